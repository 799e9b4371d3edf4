//! [`OwnIds`]: where the ids that publishers gave their events are, so that a client can come back with one.

use std::collections::HashMap;

use crate::{event_id::EventId, message::Message, target::Target};

/// By id and target the newest event that is kept: an older one with the same id is found by nobody.
#[derive(Debug, Default)]
pub(super) struct OwnIds(HashMap<Box<str>, HashMap<Target, EventId>>);

impl OwnIds {
    /// `message` is the newest.
    pub(super) fn push(&mut self, message: &Message) {
        let Some(own_id) = message.own_id() else { return };
        let newest = self.0.entry(own_id.into()).or_default();
        newest.extend(message.targets().iter().map(|target| (target.clone(), message.id())));
    }

    /// `message` is not kept any more.
    pub(super) fn remove(&mut self, message: &Message) {
        let Some(own_id) = message.own_id() else { return };
        let Some(newest) = self.0.get_mut(own_id) else { return };
        for target in message.targets() {
            if newest.get(target) == Some(&message.id()) {
                newest.remove(target);
            }
        }
        if newest.is_empty() {
            self.0.remove(own_id);
        }
    }

    /// The newest with this id that goes to one of `targets`.
    pub(super) fn find(&self, own_id: &str, targets: &[Target]) -> Option<EventId> {
        let newest = self.0.get(own_id)?;
        targets.iter().filter_map(|target| newest.get(target)).max().copied()
    }
}
