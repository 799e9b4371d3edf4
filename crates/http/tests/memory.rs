//! The heap of an idle stream: hyper's buffers are gone once the socket has left it.
//!
//! In a process of its own, whose tests run one after the other, because it counts every allocation. Its clients allocate nothing.

mod support;

use std::{
    alloc::System,
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    sync::{Mutex, PoisonError},
};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use support::{
    PATIENCE,
    frames::{PREFACE, SETTINGS, frame, request},
    server::{Server, Way},
};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Held by the test that runs.
static ALONE: Mutex<()> = Mutex::new(());
const STREAMS: usize = 300;
/// Flag of SETTINGS.
const ACK: u8 = 1;
/// Measured: 0.7 KiB.
const SOCKET_BYTES_MAX: usize = 2 << 10;
/// Bytes of an HTTP/2 connection with one stream beyond those of an HTTP/1.1 stream, and of each further stream of a connection.
/// Measured: 1.4 KiB and 0.8 KiB.
const H2_MORE_BYTES_MAX: usize = 3 << 9;
const H2_STREAM_BYTES_MAX: usize = 1_200;
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

/// Heap bytes of each of many HTTP/2 connections with so many streams, which got a few events.
fn bytes_per_h2_connection(streams: u32) -> usize {
    let server = Server::new(Way::H2);
    let warm = server.subscribe("/sse?id=warm");
    server.publish("/broadcast?wait=written", "warm");
    let ids = || (0..streams).map(|number| 2 * number + 1);
    let asked: Vec<u8> = ids().flat_map(|id| request(id, b"GET", b"/sse?id=h2&channel=a", &[], None)).collect();
    let hello = [PREFACE, &frame(SETTINGS, 0, 0, &[]), &frame(SETTINGS, ACK, 0, &[])].concat();
    let mut sockets = Vec::with_capacity(STREAMS);
    let before = heap_bytes();
    for _ in 0..STREAMS {
        let mut socket = TcpStream::connect(server.address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.write_all(&hello).unwrap();
        socket.write_all(&asked).unwrap();
        sockets.push(socket);
    }
    let all = STREAMS as u64 * u64::from(streams);
    server.until_matched("h2", all);
    for number in 0..3 {
        server.publish("/broadcast?wait=written", format!("event {number}"));
    }
    let used = (heap_bytes() - before) / STREAMS;
    drop((warm, sockets));
    used
}

#[test]
fn an_http_2_connection_holds_little_more_than_a_stream_over_http_1() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (h1, _) = bytes_per_stream(Way::Socket);
    let (one, four) = (bytes_per_h2_connection(1), bytes_per_h2_connection(4));
    assert!(one < h1 + H2_MORE_BYTES_MAX, "{one} bytes of heap, and {h1} over HTTP/1.1");
    let each = (four - one) / 3;
    assert!(each < H2_STREAM_BYTES_MAX, "{each} bytes of heap for each further stream");
    assert!(each > 200, "{each} bytes cannot be: the count is wrong");
}

#[test]
fn a_stream_that_has_left_hyper_holds_less_than_two_kibibytes() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
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
