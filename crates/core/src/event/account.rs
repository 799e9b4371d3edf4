//! [`Account`]: the figures of one connection. [`ChannelAccount`]: those of one channel. [`Accounts`]: the changes of all
//! channels that one shard has collected between two sweeps.

use std::collections::HashMap;

use crate::event::{event_id::EventId, message::Message, receipt::Outcome, target::Target};

/// The fate of one message for one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Written,
    Queued,
    /// The history gives it later. The connection is busy, or it still reads older events from the history.
    Owed {
        is_busy: bool,
    },
    /// The connection will never get it. The connection is busy, or the event is live only and the connection still reads older
    /// ones from the history.
    Lost {
        is_busy: bool,
    },
}

/// The figures of one connection: how many events fared in which way.
///
/// Always: `matched` + `replayed` = `written` + [`Account::queued`] + `owed` + `lost`. And `dropped` = `repaired` + `lost` +
/// the part of `owed` that is due because the connection was busy.
///
/// ```
/// use fanfare_core::Account;
///
/// // Of twelve events, six have left, one comes from the history, and two are lost. Three wait.
/// let account = Account { matched: 10, replayed: 2, written: 6, owed: 1, lost: 2, ..Account::default() };
/// assert_eq!((account.queued(), account.lag()), (3, 4));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Events for the connection, published while it was open.
    pub matched: u64,
    /// Older events from the history: the connection asked for them when it began.
    pub replayed: u64,
    /// Events whose last byte the outlet has taken.
    pub written: u64,
    /// Events that the connection did not get in time: its ring was full, or had been and was not empty again.
    pub dropped: u64,
    /// Dropped events that the history gave later.
    pub repaired: u64,
    /// Events that the connection never gets. A gap tells it so, unless the loss ends the connection. Counts only events published while it was open.
    pub lost: u64,
    /// Events that the history has still to give.
    pub owed: u64,
    /// The newest id that was written or waits; the cursor of the beginning if there was none.
    pub position: EventId,
}

impl Account {
    /// The number of events that wait in the ring or are partly written.
    pub fn queued(&self) -> u64 {
        (self.matched + self.replayed).saturating_sub(self.written + self.owed + self.lost)
    }

    /// The number of events that the connection is behind.
    pub fn lag(&self) -> u64 {
        self.queued() + self.owed
    }
}

/// The figures of one channel, or of broadcasts to all. They begin when the first connection follows the channel. An event on
/// several channels counts for the first of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelAccount {
    /// Connections that follow the channel.
    pub connections: usize,
    /// Deliveries: for each event the number of its connections, added up. The sum of the next three.
    pub matched: u64,
    /// Deliveries that the socket took at once.
    pub written: u64,
    /// Deliveries that had to wait, in a ring or in the history.
    pub queued: u64,
    /// Deliveries that were given up at once.
    pub given_up: u64,
    /// Deliveries that found no room in a ring; see [`Account::dropped`].
    pub dropped: u64,
    /// Dropped deliveries that the history made later.
    pub repaired: u64,
    /// Deliveries that never happen. If the event had already left the history, its channel is not known: it counts for the
    /// followed channel with the shortest history.
    pub lost: u64,
    /// The id of the newest event.
    pub position: EventId,
}

impl ChannelAccount {
    /// Counts one delivery.
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

    /// Counts one delivery for which a connection ends, for want of room. The client comes back for it.
    pub(crate) fn count_given_up(&mut self) {
        self.matched += 1;
        self.given_up += 1;
        self.dropped += 1;
    }

    /// The outcome for the publisher.
    pub(crate) fn outcome(&self) -> Outcome {
        let [written, queued, dropped] =
            [self.written, self.queued, self.given_up].map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        Outcome { written, queued, dropped }
    }

    /// Adds the figures of a later time.
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

/// New figures by target. Has as many entries as targets had events between two sweeps.
#[derive(Debug, Default)]
pub(crate) struct Accounts(HashMap<Target, ChannelAccount>);

impl Accounts {
    /// Notes the figures of `message` in a whole pass.
    pub(crate) fn note_pass(&mut self, message: &Message, news: &ChannelAccount) {
        let Some(target) = message.targets().first() else { return };
        // The accounts of connections have the figures of a client. Only its drops are noted, for the log.
        if !matches!(target, Target::Client(_)) || news.dropped > 0 {
            let all = self.of(target);
            all.add(news);
            all.position = message.id();
        }
    }

    /// Notes the fate of `message` for one connection outside of a pass.
    pub(crate) fn note(&mut self, message: &Message, fate: Fate) {
        if let (Some(target), Fate::Owed { is_busy } | Fate::Lost { is_busy }) = (message.targets().first(), fate) {
            let news = self.of(target);
            news.dropped += u64::from(is_busy);
            news.lost += u64::from(matches!(fate, Fate::Lost { .. }));
        }
    }

    /// Notes that one connection got `message` from the history.
    pub(crate) fn note_repaired(&mut self, message: &Message) {
        if let Some(target) = message.targets().first() {
            self.of(target).repaired += 1;
        }
    }

    /// Notes that one connection has lost `count` events that the history of `target` does not have any more.
    pub(crate) fn note_gone(&mut self, target: &Target, count: u64) {
        if count > 0 {
            self.of(target).lost += count;
        }
    }

    /// Takes out all figures.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = (Target, ChannelAccount)> {
        self.0.drain()
    }

    fn of(&mut self, target: &Target) -> &mut ChannelAccount {
        // A clone of a name copies no text.
        self.0.entry(target.clone()).or_default()
    }
}
