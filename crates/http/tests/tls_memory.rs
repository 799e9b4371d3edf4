//! The heap of an idle stream over TLS: rustls' buffers are gone once the records are our own.
//!
//! In a process of its own, because it counts every allocation. The clients are in another, which is this file once more.

mod support;

use std::{
    alloc::System,
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
    sync::Arc,
};

use fanfare_http::{TlsAcceptor, TlsConfig, TlsOutlet};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use support::{
    frames::{PREFACE, SETTINGS, frame, request},
    server::{Server, Way},
    tls::{Authority, Secure},
};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const STREAMS: usize = 200;
/// Flag of SETTINGS.
const ACK: u8 = 1;
/// Measured: 2,530 to 2,670 bytes, of which 56 are what operators are told of a stream. With rustls it is 5,730.
const RECORDS_BYTES_MAX: usize = 2_800;
/// Measured: 3,658 bytes.
const H2_BYTES_MAX: usize = 3_700;
/// The address, the file of the authority, the number of streams, and the way.
const CLIENTS: &str = "FANFARE_TEST_TLS_CLIENTS";

fn heap_bytes() -> usize {
    let stats = HEAP.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// Heap bytes of each of many idle streams, each with a connection of its own.
fn bytes_per_stream(way: Way, outlet: TlsOutlet) -> usize {
    let authority = Authority::new();
    let file = authority.file(&format!("memory-{way:?}-{outlet:?}"));
    let server = Server::secure(way, TlsAcceptor::new(TlsConfig { outlet, ..authority.config() }).unwrap());
    let run = |streams: usize| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "--nocapture", "clients"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child =
            command.env(CLIENTS, format!("{} {} {streams} {way:?}", server.address, file.display())).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("all are open")));
        (child, lines)
    };
    // The first streams allocate some things once and for all.
    let mut warm = run(20);
    let before = heap_bytes();
    let mut all = run(STREAMS);
    // The last of them has reached its shard a moment after its head.
    let mut bytes = usize::MAX;
    support::until("the heap is at rest", || {
        let last = std::mem::replace(&mut bytes, heap_bytes());
        std::thread::sleep(std::time::Duration::from_millis(50));
        last == bytes
    });
    for (child, _) in [&mut warm, &mut all] {
        drop(child.stdin.take());
        child.wait().unwrap();
    }
    (bytes - before) / STREAMS
}

#[test]
fn a_stream_whose_records_are_our_own_holds_less_than_three_kibibytes_and_less_than_four_over_http_2() {
    let records = bytes_per_stream(Way::Socket, TlsOutlet::Records);
    let rustls = bytes_per_stream(Way::Socket, TlsOutlet::Rustls);
    let h2 = bytes_per_stream(Way::H2, TlsOutlet::Records);
    assert!(records < RECORDS_BYTES_MAX, "{records} bytes of heap for an idle stream");
    assert!(h2 < H2_BYTES_MAX, "{h2} bytes of heap for an idle stream over HTTP/2");
    assert!(h2 > records, "{h2} bytes cannot be: the count is wrong");
    assert!(rustls > records, "rustls has become lean ({rustls}): are records of our own still worth it?");
}

#[test]
#[ignore = "it is the other process of the test above"]
fn clients() {
    let Ok(task) = std::env::var(CLIENTS) else { return };
    let task: Vec<_> = task.split(' ').collect();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(task[1]).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let mut config = builder.with_no_client_auth();
    let is_h2 = task[3] == format!("{:?}", Way::H2);
    if is_h2 {
        config.alpn_protocols = vec![b"h2".to_vec()];
    }
    let config = Arc::new(config);
    let ask = request(1, b"GET", b"/sse?channel=a", &[], None);
    let ask_h2 = [PREFACE, &frame(SETTINGS, 0, 0, &[]), &frame(SETTINGS, ACK, 0, &[]), &ask].concat();
    let mut streams = Vec::new();
    for _ in 0..task[2].parse().unwrap() {
        let mut stream = Secure::open(task[0].parse().unwrap(), &config);
        if is_h2 {
            stream.send(&ask_h2);
            stream.bytes_until("retry: ");
        } else {
            stream.get("/sse?channel=a");
            stream.until("\n\r\n");
        }
        streams.push(stream);
    }
    std::io::stdout().write_all(b"all are open\n").unwrap();
    let _ = std::io::stdin().read_line(&mut String::new());
}
