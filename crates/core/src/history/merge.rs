//! [`merge`]: joins the events of several tracks in one order.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, binary_heap::PeekMut, vec_deque::Iter},
};

use crate::event::{event_id::EventId, message::Message};

/// All events of `rests` in the order of their ids, each once even if it stands in several.
pub(super) fn merge(mut rests: Vec<Iter<'_, (EventId, Message)>>) -> impl Iterator<Item = &(EventId, Message)> {
    let heads = rests.iter_mut().enumerate().filter_map(|(at, rest)| Some(Head { event: rest.next()?, at }));
    let mut heads: BinaryHeap<_> = heads.collect();
    let mut last = None;
    std::iter::from_fn(move || {
        loop {
            let mut head = heads.peek_mut()?;
            let event = head.event;
            match rests[head.at].next() {
                Some(next) => head.event = next,
                None => drop(PeekMut::pop(head)),
            }
            // An event of several tracks comes several times in a row.
            if last.replace(event.0) != Some(event.0) {
                return Some(event);
            }
        }
    })
}

/// The next event of one track. The oldest event is the greatest, because the heap gives the greatest first.
struct Head<'a> {
    event: &'a (EventId, Message),
    at: usize,
}

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.event.0.cmp(&self.event.0)
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.event.0 == other.event.0
    }
}

impl Eq for Head<'_> {}
