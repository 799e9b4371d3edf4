//! The two ways in which HTTP/1.1 streams leave, side by side: the shard's own writes to the socket, and hyper's body.
//!
//! Over real sockets on the loopback: from the publisher's request until its answer and every stream have been read.
//! One shard serves, one thread reads. An element is one delivery.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

mod server;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fanfare_benches::settings;
use fanfare_http::Outlet;

use crate::server::Server;

const OUTLETS: [(&str, Outlet); 2] = [("socket", Outlet::Socket), ("body", Outlet::Body)];

fn outlets(criterion: &mut Criterion) {
    for (streams, events) in [(1, 1), (100, 1), (100, 64)] {
        let name = format!("h1 outlet, {events} events to {streams} streams");
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements((streams * events) as u64));
        for (name, outlet) in OUTLETS {
            let mut server = None;
            group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
                let server = server.get_or_insert_with(|| Server::start(outlet, streams));
                bencher.iter(|| server.fan_out(events));
            });
        }
        group.finish();
    }
}

criterion_group! { name = benches; config = settings(); targets = outlets }
criterion_main!(benches);
