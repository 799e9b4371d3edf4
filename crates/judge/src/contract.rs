//! The rules of the contract that go beyond the standard. Each function panics if a stream breaks its rule.

use crate::{block::Block, gap::GAP};

/// The type of the event that only moves the last event id of its client.
pub const CURSOR: &str = "fanfare.cursor";

/// A comment stands between events: in front of it are the time to reconnect, or nothing. It says nothing, or words
/// behind a space.
#[track_caller]
pub(crate) fn check_comment(comment: &str, lines_before: &str) {
    let is_between_events = lines_before.lines().all(|line| line.starts_with("retry: "));
    assert!(is_between_events, "a comment in the middle of an event: {lines_before:?}");
    assert!(comment.is_empty() || comment.starts_with(' '), "{comment:?}");
}

/// A block is an event, and its lines have their order.
#[track_caller]
pub(crate) fn check_block(block: &Block) {
    let Block { event, id, lines } = block;
    if event.kind == CURSOR {
        return assert_eq!(*lines, format!("event: {CURSOR}\nid: {}\ndata:\n", position(id.as_deref())));
    }
    if event.kind == GAP {
        // Without an id: the client's last one must stay where it is.
        assert_eq!(*lines, format!("event: {GAP}\ndata: {}\n", event.data));
        block.gap();
        return;
    }
    assert!(!event.kind.starts_with("fanfare."), "no type of the server's: {lines:?}");
    let mut rest = lines.split_terminator('\n').peekable();
    rest.next_if(|line| line.starts_with("event: "));
    assert!(rest.next_if(|line| line.starts_with("id: ")).is_some(), "every event has an id: {lines:?}");
    rest.next_if(|line| line.starts_with("retry: "));
    while rest.next_if(|line| line.starts_with("data: ")).is_some() {}
    assert_eq!(rest.next(), None, "a line that is none of the contract's, or not in its place: {lines:?}");
    let names = [Some(&event.kind), id.as_ref()];
    let is_name = |name: &&String| !name.is_empty() && !name.contains(char::is_control);
    assert!(names.into_iter().flatten().all(|name| is_name(&name)), "{lines:?}");
}

/// A position is an id of the server's own.
#[track_caller]
fn position(id: Option<&str>) -> &str {
    let id = id.expect("a cursor has an id");
    let parts: Vec<_> = id.split('-').collect();
    assert!(parts.len() == 2 && parts.iter().all(|part| part.parse::<u64>().is_ok()), "{id:?} is no position");
    id
}
