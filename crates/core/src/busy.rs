//! [`Busy`]: how many messages each target lost to full rings since the last look. Shards keep one each.

use std::collections::HashMap;

use crate::{message::Message, notice::Notice, target::Target};

/// Dropped messages by target. As large as the targets that lost something between two sweeps.
#[derive(Debug, Default)]
pub(crate) struct Busy(HashMap<Target, u64>);

impl Busy {
    /// `message` was dropped for one connection; one with several targets counts for the first.
    pub(crate) fn note(&mut self, message: &Message) {
        let Some(target) = message.targets().first() else { return };
        match self.0.get_mut(target) {
            Some(dropped) => *dropped += 1,
            None => {
                self.0.insert(target.clone(), 1);
            }
        }
    }

    /// Everything noted, as notices.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Notice> {
        self.0.drain().map(|(target, dropped)| Notice::Busy { target, dropped })
    }
}
