//! What limits of callers cost: a request of a new connection, one of a known connection, a seat, a newcomer to a full table, and what
//! proxies say of a client.
//!
//! The order of callers is the same in each run, and no caller is in a cache because it was the last one.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

use std::{
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
    thread,
    time::Instant,
};

use criterion::{Criterion, criterion_group, criterion_main};
use fanfare_benches::settings;
use fanfare_callers::{Act, Callers, ENTRIES_MAX, ForwardedBy, Holding, Limits, Networks, ProxyHeader};

const CALLERS: u32 = 10_000;

/// The address number `at`, as if in no order.
fn address(at: u32) -> IpAddr {
    Ipv4Addr::from(at.wrapping_mul(0x9e37_79b1)).into()
}

/// Callers who have called once, and whose rates are not full.
fn callers() -> Callers {
    let callers = Callers::new(&Limits::of_caller(), &Limits::of_caller(), ENTRIES_MAX);
    for at in 0..CALLERS {
        callers.peer(address(at), 0).charge(Act::Request, 1_000, 0);
    }
    callers
}

/// One request of a caller who is looked up.
fn request(callers: &Callers, at: u32) -> bool {
    callers.peer(address(at % CALLERS), 0).take(Act::Request, 0, 0).is_ok()
}

fn tables(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("callers");
    let (callers, mut at) = (callers(), 0_u32);
    let mut next = || {
        at = at.wrapping_add(7_919);
        at
    };
    group.bench_function("request, looked up", |bencher| bencher.iter(|| request(&callers, next())));
    group.bench_function("request, looked up, four threads", |bencher| {
        bencher.iter_custom(|times| {
            let start = Instant::now();
            thread::scope(|scope| {
                for thread in 0..4_u32 {
                    let callers = &callers;
                    scope.spawn(move || (0..times as u32 / 4).all(|at| request(callers, black_box(at * 4 + thread))));
                }
            });
            start.elapsed()
        });
    });
    let accounts: Vec<_> = (0..CALLERS).map(|at| callers.peer(address(at), 0)).collect();
    let mut known = || &accounts[(next() % CALLERS) as usize];
    group.bench_function("request, known", |bencher| bencher.iter(|| known().take(Act::Request, 0, 0)));
    group.bench_function("seat, taken and given back", |bencher| {
        bencher.iter(|| known().enter(Holding::Stream).is_ok());
    });
    let full = Callers::new(&Limits::of_caller(), &Limits::of_caller(), ENTRIES_MAX);
    group.bench_function("newcomer to a full table", |bencher| {
        let mut at = 0;
        bencher.iter(|| {
            at += 1;
            full.peer(address(at), 0).take(Act::Request, 1, 0)
        });
    });
    group.finish();
}

fn proxies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("proxies");
    let trusted = (0..1_000_u32).map(|at| Ipv4Addr::from(0x0a00_0000 + at * 2).to_string()).collect::<Vec<_>>();
    let trusted = Networks::new(trusted.iter().map(String::as_str)).expect("they are addresses");
    let peer = IpAddr::from([10, 0, 0, 2]);
    for (name, by, line) in [
        ("X-Forwarded-For", ForwardedBy::XForwardedFor, &b"1.2.3.4, 203.0.113.9, 10.0.0.4"[..]),
        ("Forwarded", ForwardedBy::Forwarded, b"for=1.2.3.4, for=203.0.113.9;proto=https, for=\"10.0.0.4:80\""),
    ] {
        group.bench_function(name, |bencher| bencher.iter(|| by.client(peer, [black_box(line)], &trusted)));
    }
    let line = b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n";
    group.bench_function("PROXY, version 1", |bencher| bencher.iter(|| ProxyHeader::read(black_box(line))));
    let block = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\xa8\x00\x01\xc0\xa8\x00\x0b\xdc\x04\x01\xbb";
    group.bench_function("PROXY, version 2", |bencher| bencher.iter(|| ProxyHeader::read(black_box(block))));
    group.finish();
}

criterion_group! {
    name = benches;
    config = settings();
    targets = tables, proxies
}
criterion_main!(benches);
