//! The heap of an idle stream: hyper's buffers are gone once the socket has left it.
//!
//! In a process of its own, with one test, because it counts every allocation. Its clients allocate nothing.

mod support;

use std::{
    alloc::System,
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use support::{
    PATIENCE,
    server::{Server, Way},
};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const STREAMS: usize = 300;
/// Measured: 0.7 KiB.
const SOCKET_BYTES_MAX: usize = 2 << 10;
/// Measured with plain hyper: 18.8 KiB, 16 of them its two buffers.
const BODY_BYTES_MIN: usize = 16 << 10;

fn heap_bytes() -> usize {
    let stats = HEAP.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// Reads until `end` has come, into no heap.
fn read_until(mut socket: &TcpStream, end: &[u8]) {
    let mut space = [0; 2_048];
    let mut len = 0;
    while !space[..len].ends_with(end) {
        let count = match socket.read(&mut space[len..]) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            count => count.unwrap(),
        };
        assert!(count > 0, "closed: {:?}", String::from_utf8_lossy(&space[..len]));
        len += count;
    }
}

/// Heap bytes of each of many streams: idle ones that never got an event, and after a few.
fn bytes_per_stream(way: Way) -> (usize, usize) {
    let server = Server::new(way);
    // Publishing and the first stream allocate some things once and for all. They belong to no stream.
    let warm = server.subscribe("/sse?id=warm");
    server.publish("/broadcast?wait=written", "warm");
    let mut sockets = Vec::with_capacity(STREAMS);
    let before = heap_bytes();
    for _ in 0..STREAMS {
        let mut socket = TcpStream::connect(server.address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.write_all(b"GET /sse?channel=a HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
        read_until(&socket, b"\n\r\n");
        sockets.push(socket);
    }
    // Behind it in the inboxes: every stream has reached its outlet.
    server.publish("/clients/warm?wait=written", "all have arrived");
    let idle = (heap_bytes() - before) / STREAMS;
    for number in 0..3 {
        server.publish("/broadcast?wait=written", format!("event {number}"));
        for socket in &sockets {
            read_until(socket, format!("data: event {number}\n\n\r\n").as_bytes());
        }
    }
    let used = (heap_bytes() - before) / STREAMS;
    drop(warm);
    (idle, used)
}

#[test]
fn a_stream_that_has_left_hyper_holds_less_than_two_kibibytes() {
    let (idle, used) = bytes_per_stream(Way::Socket);
    assert!(idle < SOCKET_BYTES_MAX, "{idle} bytes of heap for an idle stream");
    assert!(used < SOCKET_BYTES_MAX, "{used} bytes of heap for a stream that got events");
    assert!(idle > 200, "{idle} bytes cannot be: the count is wrong");
    let (idle, used) = bytes_per_stream(Way::Body);
    assert!(
        idle.min(used) > BODY_BYTES_MIN,
        "hyper has become lean ({idle}, {used}): is the take-over still worth it?"
    );
}
