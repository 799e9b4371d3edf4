//! The `h2` crate as a real client, over a pipe in memory: requests, bodies both ways, windows, resets, a graceful end.

mod support;

use std::{future::poll_fn, sync::Arc};

use bytes::Bytes;
use fanfare_h2::Limits;
use h2::{RecvStream, client::SendRequest};
use http::{Request, StatusCode};
use support::{answers::serve, peer::LIMITS};

/// A client of a server with these limits.
async fn client(limits: Limits, window: u32) -> SendRequest<Bytes> {
    let (near, far) = tokio::io::duplex(10_000);
    tokio::spawn(serve(far, Arc::new(limits)));
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(window);
    let (client, connection) = builder.handshake(near).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    client.ready().await.unwrap()
}

fn request(path: &str) -> Request<()> {
    Request::builder().method("POST").uri(format!("https://example.org{path}")).body(()).unwrap()
}

/// The whole body, with every byte given back.
async fn read(mut body: RecvStream) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(bytes) = body.data().await {
        let bytes = bytes.unwrap();
        body.flow_control().release_capacity(bytes.len()).unwrap();
        whole.extend_from_slice(&bytes);
    }
    whole
}

#[tokio::test]
async fn bodies_of_many_windows_go_both_ways() {
    let mut client =
        client(Limits { connection_window_bytes: 65_535, stream_window_bytes: 20_000, ..LIMITS }, 10_000).await;
    let (response, mut sending) = client.send_request(request("/up"), false).unwrap();
    let body: Vec<u8> = (0..300_000_u32).map(|count| b'a' + (count % 23) as u8).collect();
    let mut left = &body[..];
    while !left.is_empty() {
        sending.reserve_capacity(left.len());
        let room = poll_fn(|context| sending.poll_capacity(context)).await.unwrap().unwrap();
        let (piece, rest) = left.split_at(room.min(left.len()));
        sending.send_data(Bytes::copy_from_slice(piece), rest.is_empty()).unwrap();
        left = rest;
    }
    let response = response.await.unwrap();
    assert_eq!((response.status(), &response.headers()["x-own"]), (StatusCode::OK, &"yes".parse().unwrap()));
    let answer = read(response.into_body()).await;
    assert_eq!(answer, [&b"POST /up\n"[..], &body].concat());
}

#[tokio::test]
async fn many_streams_at_a_time_all_have_their_answer() {
    let client = client(LIMITS, 65_535).await;
    let mut tasks = tokio::task::JoinSet::new();
    for count in 0..300 {
        let client = client.clone();
        tasks.spawn(async move {
            let mut request = request(&format!("/{count}"));
            request.headers_mut().insert("x-bytes", (count * 100).into());
            let (response, _) = client.ready().await.unwrap().send_request(request, true).unwrap();
            let answer = read(response.await.unwrap().into_body()).await;
            let head = format!("POST /{count}\n");
            assert_eq!(answer, [head.as_bytes(), &vec![b'x'; count * 100]].concat());
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn a_reader_that_stands_still_holds_nobody_up() {
    let mut client = client(LIMITS, 65_535).await;
    let mut large = request("/large");
    large.headers_mut().insert("x-bytes", 1_000_000.into());
    // Another stream is open, so this one may not have everything.
    let (open, mut sending) = client.send_request(request("/open"), false).unwrap();
    let (stalled, _) = client.send_request(large, true).unwrap();
    let _stalled = stalled.await.unwrap().into_body();
    for _ in 0..100 {
        let (response, _) = client.send_request(request("/small"), true).unwrap();
        assert_eq!(read(response.await.unwrap().into_body()).await, b"POST /small\n");
    }
    sending.send_data(Bytes::from_static(b"end"), true).unwrap();
    assert_eq!(read(open.await.unwrap().into_body()).await, b"POST /open\nend");
}

#[tokio::test]
async fn a_stream_that_is_dropped_leaves_the_others_alone() {
    let mut client = client(LIMITS, 65_535).await;
    for _ in 0..500 {
        let mut large = request("/large");
        large.headers_mut().insert("x-bytes", 100_000.into());
        let (response, _) = client.send_request(large, true).unwrap();
        drop(response.await.unwrap());
        client = client.ready().await.unwrap();
    }
    let (response, _) = client.send_request(request("/last"), true).unwrap();
    assert_eq!(read(response.await.unwrap().into_body()).await, b"POST /last\n");
}

#[tokio::test]
async fn long_heads_come_in_continuation() {
    let mut client = client(Limits { head_bytes_max: 100_000, ..LIMITS }, 65_535).await;
    let mut long = request("/long");
    long.headers_mut().insert("x-long", "y".repeat(60_000).parse().unwrap());
    let (response, _) = client.send_request(long, true).unwrap();
    assert_eq!(read(response.await.unwrap().into_body()).await, b"POST /long\n");
    let mut longer = request("/longer");
    longer.headers_mut().insert("x-long", "y".repeat(100_000).parse().unwrap());
    // The client knows our limit and may refuse by itself.
    match client.send_request(longer, true) {
        Ok((response, _)) => {
            assert_eq!(response.await.unwrap().status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        }
        Err(error) => assert!(error.to_string().contains("header"), "{error}"),
    }
}
