//! [`ByAge`]: tracks in the order of age, to find the oldest one for the limits of the whole history.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::event::event_id::EventId;

/// Track numbers by an id that only rises. Each track has one entry. An entry with an old id is corrected when it comes up.
#[derive(Debug, Default)]
pub(super) struct ByAge(BinaryHeap<Reverse<(EventId, usize)>>);

impl ByAge {
    pub(super) fn push(&mut self, id: EventId, number: usize) {
        self.0.push(Reverse((id, number)));
    }

    /// Takes out the number with the lowest `id_of`. Numbers without an id are taken out on the way and handed to `is_out`.
    pub(super) fn pop(
        &mut self,
        id_of: impl Fn(usize) -> Option<EventId>,
        mut is_out: impl FnMut(usize),
    ) -> Option<usize> {
        while let Some(Reverse((id, number))) = self.0.pop() {
            match id_of(number) {
                None => is_out(number),
                Some(now) if now > id => self.push(now, number),
                Some(_) => return Some(number),
            }
        }
        None
    }
}
