//! [`Reader`]: reads the Stream from its beginning, for as long as the node runs, over one link after the other. The
//! node delivers the events that the reader brings, its own among them.

use std::{cell::RefCell, future::poll_fn, task::Poll};

use fanfare_core::{
    EventId, GapReason,
    journal::{Desk, Kept, Past, Refusal, Settled},
};
use tracing::{info, warn};

use crate::{
    entry::{self, Body, Entry},
    in_flight::InFlight,
    link::{Attached, Link},
    link_error::LinkError,
    position::{Position, Step},
    skipped::Skipped,
    trouble::Trouble,
};

/// Entries of one read, at most and at first, and the bytes that a read should not exceed. The number of entries
/// follows the size of the last ones. So the first large entries after many small ones come together, 128 of them at
/// most.
const COUNT_MAX: usize = 128;
const COUNT_FIRST: usize = 8;
const READ_BYTES: usize = 2 << 20;

/// The reader of one node, with its position in the Stream.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    node: &'a str,
    in_flight: &'a RefCell<InFlight>,
    /// Largest number of bytes in the body of a publish.
    body_bytes_max: usize,
    position: Option<Position>,
    /// Position before the Stream went back, until all nodes are told.
    untold: Option<Position>,
    /// The earlier state of the Stream, until the hub has it.
    past: Option<Past>,
    events: u64,
    count: usize,
    skipped: Skipped,
    /// Submissions of earlier links that have not come by this id never will: the id, and the first number that is not
    /// one of theirs.
    settles: Option<(EventId, u64)>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(node: &'a str, in_flight: &'a RefCell<InFlight>, body_bytes_max: usize) -> Self {
        Self {
            node,
            in_flight,
            body_bytes_max,
            position: None,
            untold: None,
            past: Some(Past { is_shared: true, ..Past::default() }),
            events: 0,
            count: COUNT_FIRST,
            skipped: Skipped::default(),
            settles: None,
        }
    }

    /// Goes on with a new link. The first time, and until it has succeeded once, reads the earlier events of the
    /// Stream.
    ///
    /// # Errors
    /// The link fails.
    pub(crate) async fn attach(&mut self, link: &Link, desk: &dyn Desk) -> Result<(), LinkError> {
        let stood = self.untold.as_ref().or(self.position.as_ref());
        let attached = link.attach(stood, self.cursor()).await?;
        self.untold = None;
        self.settles = Some((attached.last, self.in_flight.borrow().next()));
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

    fn cursor(&self) -> EventId {
        self.in_flight.borrow().cursor()
    }

    fn read_up_to(&self, id: EventId) {
        self.in_flight.borrow_mut().read_up_to(id);
    }

    async fn restore(
        &mut self,
        attached: &Attached,
        past: &mut Past,
        link: &Link,
        desk: &dyn Desk,
    ) -> Result<(), LinkError> {
        // No event is missing between the birth and the beginning of its millisecond.
        past.born = EventId::new(attached.born_ms, 0).before();
        past.lost = past.lost.max(attached.lost);
        while self.cursor() < attached.last {
            let entries = link.read(self.cursor(), self.count, false).await?;
            if entries.is_empty() {
                break;
            }
            self.adapt(&entries);
            for entry in entries {
                self.restore_entry(entry, past, desk);
            }
        }
        if self.position.as_ref().is_none_or(|position| position.n < attached.n) {
            // The newest entries were trimmed.
            past.given_up = attached.last;
            self.stand_at(attached);
        }
        past.last = self.cursor().max(attached.last);
        self.read_up_to(past.last);
        Ok(())
    }

    fn restore_entry(&mut self, entry: Entry, past: &mut Past, desk: &dyn Desk) {
        let id = entry.id;
        self.read_up_to(id);
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
            Body::Event { head, data } => match entry::event(&head, data, self.body_bytes_max) {
                Some(event) => {
                    self.events += 1;
                    desk.restore(Kept { id, event: Some(event), key: None });
                }
                None => {
                    warn_of_unreadable(id);
                    past.given_up = id;
                }
            },
            Body::Foreign => {}
        }
    }

    /// Reads and hands over, until the link fails.
    pub(crate) async fn run(&mut self, link: &Link, trouble: &Trouble, desk: &dyn Desk) -> LinkError {
        loop {
            if let Err(error) = self.go_on(link, trouble, desk).await {
                return error;
            }
        }
    }

    async fn go_on(&mut self, link: &Link, trouble: &Trouble, desk: &dyn Desk) -> Result<(), LinkError> {
        // The next read waits until the hub has room for the last one.
        poll_fn(|cx| if self.in_flight.borrow_mut().settle(desk, cx) { Poll::Ready(()) } else { Poll::Pending }).await;
        let mut gone = self.in_flight.borrow_mut().take_passed();
        if let Some((_, end)) = self.settles.take_if(|(last, _)| self.in_flight.borrow().cursor() >= *last) {
            gone.extend(self.in_flight.borrow_mut().take_below(end));
        }
        trouble.refuse(gone, Refusal::Unknown, desk);
        let entries = link.read(self.cursor(), self.count, true).await?;
        if entries.is_empty() {
            return self.look(link).await;
        }
        self.adapt(&entries);
        for entry in entries {
            self.take(entry);
        }
        if let Some(stood) = &self.untold {
            link.attach(Some(stood), self.cursor()).await?;
            self.untold = None;
        }
        Ok(())
    }

    /// Checks after a silence whether the Stream has more. The Stream may have been emptied, or trimmed to nothing.
    async fn look(&mut self, link: &Link) -> Result<(), LinkError> {
        if let Some(in_all) = self.skipped.rest() {
            warn_of_skipped(in_all, None);
        }
        let attached = link.attach(self.position.as_ref(), self.cursor()).await?;
        let Some(position) = self.position.as_ref().filter(|position| position.epoch == attached.epoch) else {
            return Ok(());
        };
        let missed = attached.n.saturating_sub(position.n);
        if missed > 0 && link.read(self.cursor(), 1, false).await?.is_empty() {
            warn!(missed, "the Stream was trimmed before this node had read it");
            self.lose(attached.last, GapReason::Expired);
            self.read_up_to(attached.last);
            self.stand_at(&attached);
        }
        Ok(())
    }

    fn take(&mut self, entry: Entry) {
        let id = entry.id;
        self.read_up_to(id);
        let Some(at) = entry.at else { return self.skip(id) };
        let stood = self.position.clone();
        // The position is there since the earlier events were read.
        let step = self.position.as_mut().map_or(Step::Back, |position| position.step(id, &at));
        if entry.body == Body::Lost {
            warn!(%id, "the Stream went back: what was published before may be lost");
            return self.lose(id, GapReason::Restart);
        }
        match step {
            Step::Next => {}
            Step::Missed(missed) => {
                warn!(missed, before = %id, "the Stream was trimmed before this node had read it");
                self.lose(id.before(), GapReason::Expired);
            }
            Step::Back => {
                warn!(before = %id, "the Stream went back: what was published before may be lost");
                self.lose(id.before(), GapReason::Restart);
                // All nodes have to be told.
                self.untold = self.untold.take().or(stood);
            }
        }
        let mut in_flight = self.in_flight.borrow_mut();
        let own = if *at.node == *self.node { in_flight.take(at.number) } else { None };
        match (own, entry.body) {
            (Some(submission), _) => in_flight.push(Settled::Own(id, submission)),
            (None, Body::Event { head, data }) => match entry::event(&head, data, self.body_bytes_max) {
                Some(event) => in_flight.push(Settled::Other(id, event)),
                None => {
                    drop(in_flight);
                    warn_of_unreadable(id);
                    self.lose(id, GapReason::Expired);
                }
            },
            (None, Body::Lost | Body::Foreign) => {}
        }
    }

    /// Reports that events up to `upto` may be missing.
    fn lose(&self, upto: EventId, reason: GapReason) {
        self.in_flight.borrow_mut().lose(upto, reason);
    }

    /// Passes over an entry of somebody else.
    fn skip(&mut self, id: EventId) {
        if let Some(in_all) = self.skipped.note() {
            warn_of_skipped(in_all, Some(id));
        }
    }

    fn stand_at(&mut self, attached: &Attached) {
        self.position = Some(Position { id: attached.last, epoch: attached.epoch.clone(), n: attached.n });
    }

    /// Sets the number of entries of the next read by the size of these.
    fn adapt(&mut self, entries: &[Entry]) {
        let bytes: usize = entries.iter().map(|entry| entry.bytes).sum();
        if bytes > READ_BYTES {
            self.count = (self.count / 2).max(1);
        } else if entries.len() == self.count && bytes <= READ_BYTES / 2 {
            self.count = (self.count * 2).min(COUNT_MAX);
        }
    }
}

fn warn_of_skipped(in_all: u64, id: Option<EventId>) {
    let id = id.map(|id| id.to_string());
    warn!(in_all, id, "skipped entries of the Stream that are not Fanfare's");
}

fn warn_of_unreadable(id: EventId) {
    warn!(%id, "an event in the Stream cannot be read: it is larger than a publish may be, of another version, or was changed; \
         it is told as missing");
}
