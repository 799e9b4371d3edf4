//! The seats of a stream. One is given back once the stream is live or has ended, the other once the connection has ended.

mod support;

use std::sync::Arc;

use fanfare_core::{
    Config, Policy, Start,
    engine::{Framing, Life, Subscribe},
};
use support::{Kit, Link, taken};

/// Whether somebody else holds the seat.
fn is_held(seat: &Arc<()>) -> bool {
    Arc::strong_count(seat) > 1
}

fn open(kit: &mut Kit, start: Start, seat: &Arc<()>, room: usize) -> Link {
    let wishes = kit.wishes(&[]);
    let wishes = Subscribe { policy: Policy::Repair, start, catching_up: Some(Arc::clone(seat) as _), ..wishes };
    kit.attach(kit.hub.subscribe(wishes).unwrap(), Framing::Chunked, room)
}

#[test]
fn a_stream_has_its_seat_until_it_has_what_was_kept() {
    let mut kit = Kit::new(Config { ring_messages_max: 2, ..Config::default() });
    (0..9).for_each(|number| kit.say(&number.to_string()));
    let seat = Arc::new(());
    let link = open(&mut kit, Start::Earliest, &seat, 0);
    kit.settle();
    assert!(is_held(&seat), "nothing has left");
    link.open();
    kit.settle();
    assert!(!is_held(&seat), "it is live");
    assert_eq!(support::data_of(&link).len(), 9);
}

#[test]
fn a_stream_that_leaves_or_has_nothing_to_catch_up_with_has_no_seat() {
    let mut kit = Kit::new(Config { ring_messages_max: 2, ..Config::default() });
    let seat = Arc::new(());
    let _live = open(&mut kit, Start::Earliest, &seat, 0);
    kit.settle();
    assert!(!is_held(&seat), "nothing is kept");
    (0..9).for_each(|number| kit.say(&number.to_string()));
    let link = open(&mut kit, Start::Earliest, &seat, 0);
    kit.settle();
    assert!(is_held(&seat));
    link.end();
    kit.settle();
    assert!(!is_held(&seat), "it has gone");
}

/// The wishes of a stream that begins with the next event and holds `seat` until it ends.
fn holding(kit: &Kit, seat: &Arc<()>) -> Subscribe {
    Subscribe { held: Some(Arc::clone(seat) as _), ..kit.wishes(&[]) }
}

fn open_holding(kit: &Kit, seat: &Arc<()>, room: usize) -> Link {
    kit.attach(kit.hub.subscribe(holding(kit, seat)).unwrap(), Framing::Chunked, room)
}

#[test]
fn a_connection_holds_its_seat_until_it_leaves() {
    let mut kit = Kit::new(Config::default());
    let seat = Arc::new(());
    let link = open_holding(&kit, &seat, usize::MAX);
    kit.say("1");
    kit.settle();
    assert!(is_held(&seat), "it is live");
    link.end();
    kit.settle();
    assert!(!is_held(&seat), "it has gone");
}

#[test]
fn a_connection_that_has_caught_up_gives_back_one_seat_and_holds_the_other() {
    let mut kit = Kit::new(Config::default());
    kit.say("1 2");
    let (catching_up, held) = (Arc::new(()), Arc::new(()));
    let wishes =
        Subscribe { start: Start::Earliest, catching_up: Some(Arc::clone(&catching_up) as _), ..holding(&kit, &held) };
    let link = kit.attach(kit.hub.subscribe(wishes).unwrap(), Framing::Chunked, 0);
    kit.settle();
    assert!(is_held(&catching_up) && is_held(&held));
    link.open();
    kit.settle();
    assert!(!is_held(&catching_up) && is_held(&held));
    link.end();
    kit.settle();
    assert!(!is_held(&held));
}

#[test]
fn a_body_holds_its_seat_until_it_is_dropped() {
    let mut kit = Kit::new(Config::default());
    let seat = Arc::new(());
    let mut feed = kit.hub.subscribe(holding(&kit, &seat)).unwrap().into_feed(Life::default());
    kit.say("1");
    kit.settle();
    assert_eq!((taken(&mut feed).len(), is_held(&seat)), (1, true));
    drop(feed);
    kit.settle();
    assert!(!is_held(&seat));
}

#[test]
fn a_subscription_that_never_is_attached_holds_its_seat_until_it_is_dropped() {
    let mut kit = Kit::new(Config::default());
    let seat = Arc::new(());
    let subscription = kit.hub.subscribe(holding(&kit, &seat)).unwrap();
    assert!(is_held(&seat), "its shard does not know it yet");
    kit.settle();
    assert!(is_held(&seat));
    drop(subscription);
    kit.settle();
    assert!(!is_held(&seat));
}

#[test]
fn a_connection_that_is_refused_holds_no_seat() {
    let kit = Kit::new(Config { connections_max: 0, ..Config::default() });
    let seat = Arc::new(());
    assert!(kit.hub.subscribe(holding(&kit, &seat)).is_err());
    assert!(!is_held(&seat));
}

#[test]
fn a_drained_connection_holds_its_seat_until_the_client_closes_and_the_rest_until_the_cut() {
    let mut kit = Kit::new(Config::default());
    let (left, stays) = (Arc::new(()), Arc::new(()));
    let link = open_holding(&kit, &left, usize::MAX);
    let _slow = open_holding(&kit, &stays, 0);
    kit.say("1");
    kit.hub.drain();
    kit.settle();
    assert!(is_held(&left) && is_held(&stays), "no client has closed its side");
    link.end();
    kit.settle();
    assert!(!is_held(&left) && is_held(&stays));
    assert_eq!(kit.shards[0].cut(0), 1);
    assert!(!is_held(&stays));
}

#[test]
fn a_shard_that_is_dropped_holds_no_seat() {
    let mut kit = Kit::new(Config::default());
    let (known, queued) = (Arc::new(()), Arc::new(()));
    let _known = open_holding(&kit, &known, usize::MAX);
    kit.settle();
    let _queued = open_holding(&kit, &queued, usize::MAX);
    assert!(is_held(&known) && is_held(&queued));
    kit.shards.clear();
    assert!(!is_held(&known) && !is_held(&queued));
    let late = Arc::new(());
    let _late = kit.hub.subscribe(holding(&kit, &late));
    assert!(!is_held(&late), "nobody takes it any more");
}
