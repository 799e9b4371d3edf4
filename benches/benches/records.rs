//! The time in which an event becomes a record of TLS, and a record becomes plaintext, by suite and by the size of the event.
//!
//! Opening makes ring's key anew for each record, because an opener keeps none. The first lines say how large both ends are.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]
#![allow(clippy::print_stdout, reason = "sizes are part of the result")]

use std::io::IoSlice;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fanfare_benches::settings;
use fanfare_records::{Kind, Opener, Sealer};
use rustls::{
    ConnectionTrafficSecrets,
    crypto::cipher::{AeadKey, Iv},
};

/// An event, 16 of them in one write, and a record that is full.
const SIZES: [usize; 3] = [130, 16 * 130, 16_384];

fn secrets(suite: &str) -> ConnectionTrafficSecrets {
    let (key, iv) = (AeadKey::from([7; 32]), Iv::from([9; 12]));
    match suite {
        "aes-256-gcm" => ConnectionTrafficSecrets::Aes256Gcm { key, iv },
        _ => ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv },
    }
}

/// A sealer that has just got its key: the bench makes more records than a key of AES may seal.
fn sealer(suite: &str) -> Sealer {
    Sealer::new(0, &secrets(suite)).expect("the suite is known")
}

fn records(criterion: &mut Criterion) {
    println!("a sealer has {} bytes, an opener {}", size_of::<Sealer>(), size_of::<Opener>());
    for suite in ["aes-256-gcm", "chacha20-poly1305"] {
        let mut group = criterion.benchmark_group(format!("records/{suite}"));
        for bytes in SIZES {
            let plaintext = vec![b'x'; bytes];
            group.throughput(Throughput::Bytes(bytes as u64));
            let mut out = Vec::new();
            let mut one = sealer(suite);
            group.bench_function(BenchmarkId::new("seal", bytes), |bencher| {
                bencher.iter(|| {
                    out.clear();
                    if one.seal(&[IoSlice::new(&plaintext)], Kind::ApplicationData, &mut out).is_err() {
                        one = sealer(suite);
                    }
                });
            });
            out.clear();
            sealer(suite).seal(&[IoSlice::new(&plaintext)], Kind::ApplicationData, &mut out).expect("the first record");
            group.bench_function(BenchmarkId::new("open", bytes), |bencher| {
                bencher.iter_batched(
                    || (out.clone(), Opener::new(0, secrets(suite)).expect("the suite is known")),
                    |(mut record, mut opener)| opener.open(&mut record).is_ok(),
                    BatchSize::SmallInput,
                );
            });
        }
        group.finish();
    }
}

criterion_group! { name = benches; config = settings(); targets = records }
criterion_main!(benches);
