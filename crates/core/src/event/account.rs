//! [`Account`]: what became of the events of one connection; [`ChannelAccount`]: of those of one channel; and
//! [`Accounts`], in which a shard collects the latter between two sweeps.

use std::collections::HashMap;

use crate::event::{event_id::EventId, message::Message, receipt::Outcome, target::Target};

/// What became of a message for one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Written,
    Queued,
    /// The journal has it for later; because the connection is busy, or because it has not come so far.
    Owed {
        is_busy: bool,
    },
    /// Nobody has it for this connection any more; because it is busy, or else because it is not to be kept.
    Lost {
        is_busy: bool,
    },
}

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
    /// Given up for a connection, or not kept any more when its turn came: then it counts for the channel, of those that
    /// the connection follows, whose history reaches back the least.
    pub lost: u64,
    /// The newest id.
    pub position: EventId,
}

impl ChannelAccount {
    /// One connection more.
    pub(crate) fn count(&mut self, fate: Fate) {
        self.matched += 1;
        match fate {
            Fate::Written => self.written += 1,
            Fate::Queued => self.queued += 1,
            Fate::Owed { is_busy } => {
                self.queued += 1;
                self.dropped += u64::from(is_busy);
            }
            Fate::Lost { is_busy } => {
                self.given_up += 1;
                self.dropped += u64::from(is_busy);
                self.lost += 1;
            }
        }
    }

    /// The answer to a publisher who wants to know.
    pub(crate) fn outcome(&self) -> Outcome {
        let [written, queued, dropped] =
            [self.written, self.queued, self.given_up].map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        Outcome { written, queued, dropped }
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
    pub(crate) fn note_pass(&mut self, message: &Message, news: &ChannelAccount) {
        let Some(target) = message.targets().first() else { return };
        // A client's are in the accounts of its connections; the log wants to know what was dropped.
        if !matches!(target, Target::Client(_)) || news.dropped > 0 {
            let all = self.of(target);
            all.add(news);
            all.position = message.id();
        }
    }

    /// What became of `message` for one connection, outside a pass.
    pub(crate) fn note(&mut self, message: &Message, fate: Fate) {
        if let (Some(target), Fate::Owed { is_busy } | Fate::Lost { is_busy }) = (message.targets().first(), fate) {
            let news = self.of(target);
            news.dropped += u64::from(is_busy);
            news.lost += u64::from(matches!(fate, Fate::Lost { .. }));
        }
    }

    /// `message` reached one connection by way of the journal.
    pub(crate) fn note_repaired(&mut self, message: &Message) {
        if let Some(target) = message.targets().first() {
            self.of(target).repaired += 1;
        }
    }

    /// One connection has lost `count` events, of which nothing is known but that `target` does not keep them.
    pub(crate) fn note_gone(&mut self, target: &Target, count: u64) {
        if count > 0 {
            self.of(target).lost += count;
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
