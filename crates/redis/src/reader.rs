//! [`Reader`]: reads the Stream from its beginning, and goes on for as long as the node runs, over whatever happens to its
//! links. What it reads is all that the node delivers, its own events among it.

use std::{cell::RefCell, collections::VecDeque, future::poll_fn, task::Poll};

use fanfare_core::{Brought, Desk, EventId, GapReason, Kept, Past, Refusal};
use tracing::{info, warn};

use crate::{
    entry::{self, Body, Entry},
    link::{Attached, Link},
    link_error::LinkError,
    pending::Pending,
    position::{Position, Step},
    skipped::Skipped,
    trouble::Trouble,
};

/// Entries of one read, at most and at first; and the bytes that a read should not exceed, which the number follows.
const COUNT_MAX: usize = 256;
const COUNT_FIRST: usize = 64;
const READ_BYTES: usize = 2 << 20;

/// Where a node stands in the Stream.
#[derive(Debug)]
pub(crate) struct Reader {
    node: String,
    /// Everything up to here was read.
    cursor: EventId,
    position: Option<Position>,
    /// What was found of the past; none once the hub has it.
    past: Option<Past>,
    events: u64,
    count: usize,
    /// Read, and not handed over yet. It outlives links.
    brought: VecDeque<Brought>,
    skipped: Skipped,
}

impl Reader {
    pub(crate) fn new(node: String) -> Self {
        Self {
            node,
            cursor: EventId::ZERO,
            position: None,
            past: Some(Past { is_shared: true, ..Past::default() }),
            events: 0,
            count: COUNT_FIRST,
            brought: VecDeque::new(),
            skipped: Skipped::default(),
        }
    }

    /// Goes on with a new link; the first time, or as long as that did not come to its end, with what was before this node.
    ///
    /// # Errors
    /// The link is of no more use.
    pub(crate) async fn attach(&mut self, link: &Link, desk: &dyn Desk) -> Result<(), LinkError> {
        let attached = link.attach(self.position.as_ref()).await?;
        let Some(mut past) = self.past.take() else { return Ok(()) };
        let restored = self.restore(&attached, &mut past, link, desk).await;
        if let Err(error) = restored {
            self.past = Some(past);
            return Err(error);
        }
        info!(events = self.events, last = %past.last, "stream read");
        desk.restore_past(past);
        Ok(())
    }

    async fn restore(
        &mut self,
        attached: &Attached,
        past: &mut Past,
        link: &Link,
        desk: &dyn Desk,
    ) -> Result<(), LinkError> {
        // Nothing is missing between the birth and the beginning of its millisecond.
        past.born = EventId::new(attached.born_ms, 0).before();
        past.lost = past.lost.max(attached.lost);
        while self.cursor < attached.last {
            let entries = link.read(self.cursor, self.count, false).await?;
            if entries.is_empty() {
                break;
            }
            self.adapt(&entries);
            for entry in entries {
                self.restore_entry(entry, past, desk);
            }
        }
        if self.position.as_ref().is_none_or(|position| position.n < attached.n) {
            // The newest were trimmed.
            past.given_up = attached.last;
            self.stand_at(attached);
        }
        self.cursor = self.cursor.max(attached.last);
        past.last = self.cursor;
        Ok(())
    }

    fn restore_entry(&mut self, entry: Entry, past: &mut Past, desk: &dyn Desk) {
        let id = entry.id;
        self.cursor = id;
        let Some(at) = entry.at else { return self.skip(id) };
        match &mut self.position {
            Some(position) => match position.step(id, &at) {
                Step::Next => {}
                Step::Missed(_) => past.given_up = id.before(),
                Step::Back => past.lost = past.lost.max(id.before()),
            },
            None => {
                if at.n > 1 {
                    past.given_up = id.before();
                }
                self.position = Some(Position { id, epoch: at.epoch, n: at.n });
            }
        }
        match entry.body {
            Body::Lost => past.lost = past.lost.max(id),
            Body::Event { head, data } => match entry::event(&head, data) {
                Some(event) => {
                    self.events += 1;
                    desk.restore(Kept { id, event, key: None, matched: 0 });
                }
                None => past.given_up = self.unreadable(id),
            },
            Body::Foreign => {}
        }
    }

    /// Reads and hands over, for ever.
    pub(crate) async fn run(
        &mut self,
        link: &Link,
        pending: &RefCell<Pending>,
        trouble: &Trouble,
        desk: &dyn Desk,
    ) -> LinkError {
        loop {
            if let Err(error) = self.go_on(link, pending, trouble, desk).await {
                return error;
            }
        }
    }

    async fn go_on(
        &mut self,
        link: &Link,
        pending: &RefCell<Pending>,
        trouble: &Trouble,
        desk: &dyn Desk,
    ) -> Result<(), LinkError> {
        // Nothing is read while there is no room for what was read.
        self.bring(desk).await;
        let passed = pending.borrow_mut().take_passed(self.cursor);
        trouble.refuse(passed, Refusal::Unknown, desk);
        let entries = link.read(self.cursor, self.count, true).await?;
        if entries.is_empty() {
            return self.look(link).await;
        }
        self.adapt(&entries);
        let (before, mut went_back) = (self.position.clone(), false);
        for entry in entries {
            went_back |= self.take(entry, pending);
        }
        if went_back {
            // So that all nodes are told.
            link.attach(before.as_ref()).await?;
        }
        Ok(())
    }

    async fn bring(&mut self, desk: &dyn Desk) {
        poll_fn(|cx| {
            desk.bring(&mut self.brought, cx);
            if self.brought.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Nothing has come for a while: whether that is all. The Stream may have been emptied, or trimmed to nothing.
    async fn look(&mut self, link: &Link) -> Result<(), LinkError> {
        let attached = link.attach(self.position.as_ref()).await?;
        let Some(position) = self.position.as_ref().filter(|position| position.epoch == attached.epoch) else {
            return Ok(());
        };
        let missed = attached.n.saturating_sub(position.n);
        if missed > 0 && link.read(self.cursor, 1, false).await?.is_empty() {
            warn!(missed, "the Stream was trimmed before this node had read it");
            self.brought.push_back(Brought::Lost(attached.last, GapReason::Expired));
            self.cursor = attached.last;
            self.stand_at(&attached);
        }
        Ok(())
    }

    /// Whether it is from a Stream that has gone back.
    fn take(&mut self, entry: Entry, pending: &RefCell<Pending>) -> bool {
        let id = entry.id;
        self.cursor = id;
        let Some(at) = entry.at else {
            self.skip(id);
            return false;
        };
        let step = match &mut self.position {
            Some(position) => position.step(id, &at),
            None => Step::Next,
        };
        match (step, entry.body) {
            (_, Body::Lost) => {
                warn!(%id, "the Stream went back: what was published before may be lost");
                self.brought.push_back(Brought::Lost(id, GapReason::Restart));
                return false;
            }
            (step, Body::Event { head, data }) => {
                self.brought.extend(loss(step, id));
                let own = if *at.node == *self.node { pending.borrow_mut().take(at.number) } else { None };
                let brought = match own {
                    Some(submission) => Brought::Own(id, submission),
                    None => match entry::event(&head, data) {
                        Some(event) => Brought::Other(id, event),
                        None => Brought::Lost(self.unreadable(id), GapReason::Expired),
                    },
                };
                self.brought.push_back(brought);
            }
            (_, Body::Foreign) => {}
        }
        step == Step::Back
    }

    /// Passes over an entry of somebody else.
    fn skip(&mut self, id: EventId) {
        if let Some(in_all) = self.skipped.note() {
            warn!(%id, in_all, "skipped an entry of the Stream that is not Fanfare's");
        }
    }

    fn stand_at(&mut self, attached: &Attached) {
        self.position = Some(Position { id: attached.last, epoch: attached.epoch.clone(), n: attached.n });
    }

    /// An event that is none for this version is one that is missing; up to where.
    fn unreadable(&self, id: EventId) -> EventId {
        warn!(%id, "an event in the Stream cannot be read: it is of another version, or was changed; it is told as missing");
        id
    }

    /// So many entries as fit, by those that came.
    fn adapt(&mut self, entries: &[Entry]) {
        let bytes: usize = entries.iter().map(Entry::bytes).sum();
        if bytes > READ_BYTES {
            self.count = (self.count / 2).max(1);
        } else if entries.len() == self.count && bytes <= READ_BYTES / 2 {
            self.count = (self.count * 2).min(COUNT_MAX);
        }
    }
}

/// What stands before the entry with this id, if that is not what stood there.
fn loss(step: Step, id: EventId) -> Option<Brought> {
    match step {
        Step::Next => None,
        Step::Missed(missed) => {
            warn!(missed, before = %id, "the Stream was trimmed before this node had read it");
            Some(Brought::Lost(id.before(), GapReason::Expired))
        }
        Step::Back => {
            warn!(before = %id, "the Stream went back: what was published before may be lost");
            Some(Brought::Lost(id.before(), GapReason::Restart))
        }
    }
}
