//! [`Account`]: what became of the events of one connection; [`ChannelAccount`]: of those of one channel; and
//! [`Accounts`], in which a shard collects the latter between two sweeps.

use std::collections::HashMap;

use crate::{event_id::EventId, message::Message, receipt::Outcome, target::Target};

/// The events of one connection. Always: `dropped` = `repaired` + `lost` + what is `owed` since it was busy, and
/// `matched` + `replayed` = `written` + [`Account::queued`] + `owed` + `lost`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Published while it was open, and for it.
    pub matched: u64,
    /// Older ones that the journal gave it because it asked for them.
    pub replayed: u64,
    /// Its outlet took them whole.
    pub written: u64,
    /// It did not get them when it was due them: its ring was full, or had been and it had not come round.
    pub dropped: u64,
    /// Of those, given by the journal later.
    pub repaired: u64,
    /// Neither: it was, or will be, told a gap. Counts only what was published while it was open.
    pub lost: u64,
    /// The journal has still to give them.
    pub owed: u64,
    /// The newest id that it has, what waits included; where it began, if that is nothing.
    pub position: EventId,
}

impl Account {
    /// How many wait in its ring, or are partly written.
    pub fn queued(&self) -> u64 {
        (self.matched + self.replayed).saturating_sub(self.written + self.owed + self.lost)
    }

    /// How many events it is behind.
    pub fn lag(&self) -> u64 {
        self.queued() + self.owed
    }
}

/// The events of one channel, or of all, since somebody has been following it. An event on several channels counts for
/// the first of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelAccount {
    /// Connections that follow it.
    pub connections: usize,
    /// How many connections its events were for, added up; the sum of the next three.
    pub matched: u64,
    /// Taken by the socket at once.
    pub written: u64,
    /// Had to wait, in a ring or in the journal.
    pub queued: u64,
    /// Given up at once.
    pub given_up: u64,
    /// Found no room in a ring; see [`Account::dropped`].
    pub dropped: u64,
    /// Of those, given by the journal later.
    pub repaired: u64,
    /// Told to connections as a gap, because this channel was the one whose history reached back the least.
    pub lost: u64,
    /// The newest id.
    pub position: EventId,
}

impl ChannelAccount {
    /// Events that its connections have still to get from the journal, added up.
    pub fn lag(&self) -> u64 {
        self.dropped.saturating_sub(self.repaired + self.lost)
    }

    /// Adds what happened since.
    pub(crate) fn add(&mut self, news: &Self) {
        self.matched += news.matched;
        self.written += news.written;
        self.queued += news.queued;
        self.given_up += news.given_up;
        self.dropped += news.dropped;
        self.repaired += news.repaired;
        self.lost += news.lost;
        self.position = self.position.max(news.position);
    }
}

/// News of every target that there is any of. As large as the targets that had events between two sweeps.
#[derive(Debug, Default)]
pub(crate) struct Accounts(HashMap<Target, ChannelAccount>);

impl Accounts {
    /// What a whole pass made of `message`.
    pub(crate) fn note_outcome(&mut self, message: &Message, outcome: Outcome) {
        let Some(target) = message.targets().first() else { return };
        // A client's are in the accounts of its connections.
        if matches!(target, Target::Client(_)) {
            return;
        }
        let news = self.of(target);
        news.matched += outcome.matched() as u64;
        news.written += outcome.written as u64;
        news.queued += outcome.queued as u64;
        news.given_up += outcome.dropped as u64;
        news.position = message.id();
    }

    /// `message` was dropped for one connection.
    pub(crate) fn note_dropped(&mut self, message: &Message) {
        if let Some(target) = message.targets().first() {
            self.of(target).dropped += 1;
        }
    }

    /// `message` reached one connection by way of the journal.
    pub(crate) fn note_repaired(&mut self, message: &Message) {
        if let Some(target) = message.targets().first() {
            self.of(target).repaired += 1;
        }
    }

    /// `message` was dropped and will not come back.
    pub(crate) fn note_lost(&mut self, message: &Message) {
        if let Some(target) = message.targets().first() {
            self.of(target).lost += 1;
        }
    }

    /// One connection has lost `count` events, of which nothing is known but that `target` does not keep them. They
    /// were not counted as dropped before if `is_dropped`.
    pub(crate) fn note_gone(&mut self, target: &Target, count: u64, is_dropped: bool) {
        if count > 0 {
            let news = self.of(target);
            news.lost += count;
            news.dropped += if is_dropped { count } else { 0 };
        }
    }

    /// Everything noted.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = (Target, ChannelAccount)> {
        self.0.drain()
    }

    fn of(&mut self, target: &Target) -> &mut ChannelAccount {
        // Names are shared: a clone of one is a count.
        self.0.entry(target.clone()).or_default()
    }
}
