//! A receiver in the program itself: it gets the same as a stream, in order, is told its losses, and ends with the
//! server. And requests with bodies of any kind.

mod support;

use std::{collections::VecDeque, io, pin::Pin, task::Context, task::Poll};

use bytes::{Buf as _, Bytes};
use fanfare_core::{Channel, ClientId, Event, GapReason, PublishError, Start, Target, Told, Wait, engine::Cut};
use fanfare_http::{Body, Config, Events, Fanfare, Follow, FollowError, Handle};
use futures_util::StreamExt as _;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response,
    body::{Body as _, Frame},
};
use support::{
    PATIENCE,
    server::{Way, config},
};
use tokio::{runtime::Runtime, time::timeout};

fn channel(name: &str) -> Channel {
    Channel::new(name).unwrap()
}

fn run<T>(config: Config, test: impl AsyncFnOnce(Fanfare, Handle) -> T) -> T {
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let fanfare = Fanfare::start(config).unwrap();
        let handle = fanfare.handle();
        timeout(PATIENCE, test(fanfare, handle)).await.expect("the test ends in time")
    })
}

async fn publish(handle: &Handle, target: Target, data: &str) {
    handle.publish(Event::new(target, data), Wait::Journal).await.unwrap();
}

/// The data of the next event.
async fn data(events: &mut Events) -> String {
    match events.next().await {
        Some(Ok(Told::Event(message))) => message.fields().data,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_receiver_gets_what_is_for_it_in_order_and_ends_with_the_drain() {
    run(config(Way::Socket), async |fanfare, handle| {
        publish(&handle, Target::Channel(channel("a")), "before").await;
        let ann = ClientId::new("ann").unwrap();
        let follow = Follow { client: Some(ann.clone()), ..Follow::channels([channel("a"), channel("b")]) };
        let mut events = handle.subscribe(follow.clone()).await.unwrap();
        let mut old = handle.subscribe(Follow { start: Start::Earliest, ..follow }).await.unwrap();
        assert_eq!(handle.connections(), 2);
        for (target, data) in [
            (Target::Channel(channel("a")), "1"),
            (Target::Channel(channel("c")), "not for it"),
            (Target::Client(ann), "2"),
            (Target::All, "3"),
            (Target::Channel(channel("b")), "4"),
        ] {
            publish(&handle, target, data).await;
        }
        for expected in ["1", "2", "3", "4"] {
            assert_eq!(data(&mut events).await, expected);
        }
        // The same, as a stream.
        let told: Vec<_> = old.by_ref().take(5).collect().await;
        let data: Vec<_> = told
            .into_iter()
            .map(|told| match told {
                Ok(Told::Event(message)) => message.fields().data,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(data, ["before", "1", "2", "3", "4"]);
        drop(old);
        let drained = tokio::spawn(fanfare.drain());
        assert!(events.next().await.is_none() && events.next().await.is_none());
        drop(events);
        assert_eq!(drained.await.unwrap().unwrap().cut, 0);
        assert_eq!(handle.subscribe(Follow::channels([])).await.unwrap_err(), FollowError::Draining);
    });
}

#[test]
fn a_drain_does_not_wait_for_who_keeps_events_that_have_ended() {
    let config = Config { drain_timeout: 2 * PATIENCE, ..config(Way::Socket) };
    run(config, async |fanfare, handle| {
        let mut events = handle.subscribe(Follow::channels([])).await.unwrap();
        let drained = tokio::spawn(fanfare.drain());
        assert!(events.next().await.is_none());
        assert_eq!(drained.await.unwrap().unwrap().cut, 0);
        assert!(events.next().await.is_none(), "the end stays the end");
    });
}

#[test]
fn what_a_receiver_has_lost_comes_before_what_follows() {
    let mut config = config(Way::Socket);
    config.core.patience_ms = 0;
    config.core.history.each.events_max = 10;
    run(config, async |_fanfare, handle| {
        let unknown = Start::AfterOwn(vec!["nobody knows".to_owned()]);
        let mut events = handle.subscribe(Follow { start: unknown, ..Follow::channels([channel("a")]) }).await.unwrap();
        let Some(Ok(Told::Gaps(gaps))) = events.next().await else { panic!("a gap comes first") };
        assert_eq!(gaps[0].reason, GapReason::UnknownId);
        for number in 0..1_000 {
            publish(&handle, Target::Channel(channel("a")), &number.to_string()).await;
        }
        let (mut got, mut missed, mut expected) = (0, 0, 0);
        while got + missed < 1_000 {
            match events.next().await.unwrap().unwrap() {
                Told::Event(message) => {
                    assert_eq!(message.fields().data, expected.to_string());
                    (got, expected) = (got + 1, expected + 1);
                }
                Told::Gaps(gaps) => {
                    let lost: u64 = gaps.iter().map(|gap| gap.missed.unwrap()).sum();
                    assert!(lost > 0 && gaps.iter().all(|gap| gap.reason == GapReason::Busy));
                    (missed, expected) = (missed + lost, expected + lost);
                }
            }
        }
        assert!(missed > 0, "nobody took anything meanwhile");
    });
}

#[test]
fn a_receiver_that_takes_nothing_is_cut_and_one_too_many_is_told() {
    let mut config = config(Way::Socket);
    config.core.write_timeout_ms = 100;
    config.core.connections_max = 1;
    config.channels_max = 2;
    run(config, async |_fanfare, handle| {
        let mut events = handle.subscribe(Follow::channels([])).await.unwrap();
        let full = handle.subscribe(Follow::channels([])).await.unwrap_err();
        assert!(matches!(full, FollowError::Full(_)), "{full:?}");
        let many = handle.subscribe(Follow::channels(["a", "b", "c"].map(channel))).await.unwrap_err();
        assert_eq!(many, FollowError::TooManyChannels { max: 2 });
        publish(&handle, Target::All, "x").await;
        while handle.connections() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(events.next().await.map(|told| told.map(drop)), Some(Err(Cut)));
        assert!(events.next().await.is_none());
        // A receiver that has left makes room.
        drop(handle.subscribe(Follow::channels(["a", "b"].map(channel))).await.unwrap());
    });
}

/// A body in pieces, as another server might have wrapped it: not hyper's, and not `Sync`.
struct Pieces(VecDeque<io::Result<Bytes>>, std::cell::Cell<()>);

impl Pieces {
    fn of(pieces: impl IntoIterator<Item = io::Result<Bytes>>) -> Self {
        Self(pieces.into_iter().collect(), std::cell::Cell::default())
    }
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(self.0.pop_front().map(|piece| piece.map(Frame::data)))
    }
}

async fn text(response: Response<Body>) -> String {
    assert!(response.extensions().is_empty(), "{:?}", response.extensions());
    let mut bytes = Vec::new();
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        if let Ok(mut data) = frame.unwrap().into_data() {
            let length = data.remaining();
            bytes.extend(data.copy_to_bytes(length));
        }
    }
    assert!(body.is_end_stream() || body.size_hint().lower() == 0);
    String::from_utf8(bytes).unwrap()
}

#[test]
fn requests_may_have_bodies_of_any_kind() {
    run(config(Way::Socket), async |_fanfare, handle| {
        let address = "127.0.0.1:1".parse().unwrap();
        let mut events = handle.subscribe(Follow::channels([channel("a")])).await.unwrap();
        let post = |path: &str| Request::post(path).header("host", "localhost");
        let whole = post("/channels/a").body(Full::new(Bytes::from_static(b"whole"))).unwrap();
        assert_eq!(handle.answer(whole, address).await.status(), 202);
        assert_eq!(data(&mut events).await, "whole");
        let pieces = Pieces::of(["in ", "pieces"].map(|piece| Ok(Bytes::from_static(piece.as_bytes()))));
        let answer = handle.answer(post("/channels/a").body(pieces).unwrap(), address).await;
        assert_eq!(answer.status(), 202);
        assert!(text(answer).await.contains("\"matched\":1"));
        assert_eq!(data(&mut events).await, "in pieces");
        let broken = Pieces::of([Ok(Bytes::from_static(b"half")), Err(io::ErrorKind::ConnectionReset.into())]);
        let answer = handle.answer(post("/channels/a").body(broken).unwrap(), address).await;
        assert_eq!(answer.status(), 400, "half of an event is none");
        let answer = handle.answer(post("/nowhere").body(Full::<Bytes>::default()).unwrap(), address).await;
        assert_eq!(answer.status(), 404);
        assert!(text(answer).await.contains("there is no route"));
        publish(&handle, Target::All, "end").await;
        assert_eq!(data(&mut events).await, "end");
    });
}

#[test]
fn a_drain_refuses_publishers_and_receivers_alike() {
    run(config(Way::Socket), async |fanfare, handle| {
        fanfare.drain().await.unwrap();
        let answer = handle.publish(Event::new(Target::All, "x"), Wait::Journal).await;
        assert_eq!(answer.unwrap_err(), PublishError::Draining);
        assert_eq!(handle.subscribe(Follow::channels([])).await.unwrap_err(), FollowError::Draining);
    });
}
