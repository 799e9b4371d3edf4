//! The seat of a stream that catches up: it is given back once the stream is live, or has ended.

mod support;

use std::sync::Arc;

use fanfare_core::{
    Config, Policy, Start,
    engine::{Framing, Subscribe},
};
use support::{Kit, Link};

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
