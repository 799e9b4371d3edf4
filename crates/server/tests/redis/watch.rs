//! [`Watch`]: an open stream, with its events and gaps so far.

use fanfare_judge::{Block, CURSOR, Gap};

use crate::support::{
    server::{Server, id},
    wire::EventStream,
};

/// A gap that a stream told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) reason: String,
    pub(crate) from: String,
    pub(crate) to: String,
    /// Number of events before it.
    pub(crate) at: usize,
}

/// An open stream. Unread events wait in the socket.
#[derive(Debug)]
pub(crate) struct Watch {
    stream: EventStream,
    /// Ids and data, in their order.
    pub(crate) events: Vec<(String, String)>,
    pub(crate) gaps: Vec<Told>,
    heartbeats: usize,
    /// Number of events up to the last one waited for.
    waited: usize,
}

impl Watch {
    /// Opens a stream from now on. The stream is open when this returns.
    pub(crate) fn open(node: &Server, path: &str) -> Self {
        let mut watch = Self::started(node, path, None);
        watch.heartbeat(1);
        watch
    }

    /// Opens a stream behind this id.
    pub(crate) fn resume(node: &Server, path: &str, last_event_id: &str) -> Self {
        Self::started(node, path, Some(last_event_id))
    }

    fn started(node: &Server, path: &str, last_event_id: Option<&str>) -> Self {
        let join = if path.contains('?') { '&' } else { '?' };
        let stream = node.stream(&format!("{path}{join}heartbeat=cursor"), last_event_id);
        Self { stream, events: Vec::new(), gaps: Vec::new(), heartbeats: 0, waited: 0 }
    }

    /// Reads until an event with this data comes, behind the events that were waited for before. Returns all events so
    /// far.
    #[track_caller]
    pub(crate) fn until(&mut self, data: &str) -> &[(String, String)] {
        let found = |watch: &Self| watch.events[watch.waited..].iter().position(|(_, other)| other == data);
        self.read_until(data, |watch| found(watch).is_some());
        self.waited += found(self).unwrap_or_default() + 1;
        &self.events
    }

    /// Reads this many more events.
    #[track_caller]
    pub(crate) fn until_more(&mut self, events: usize) {
        let enough = self.events.len() + events;
        self.read_until("more events", |watch| watch.events.len() >= enough);
    }

    /// Checks that the stream tells exactly these events and no gap. Reads the missing ones.
    #[track_caller]
    pub(crate) fn assert_told(&mut self, events: &[(String, String)]) {
        self.until(&events.last().expect("an event").1);
        assert!(self.events == events && self.gaps.is_empty(), "{self:#?} instead of {events:#?}");
    }

    /// Reads until one more gap comes.
    #[track_caller]
    pub(crate) fn until_gap(&mut self) -> Told {
        let before = self.gaps.len();
        self.read_until("a gap", |watch| watch.gaps.len() > before);
        self.gaps.last().unwrap().clone()
    }

    /// Reads this many heartbeats, so the stream is alive.
    #[track_caller]
    pub(crate) fn heartbeat(&mut self, times: usize) {
        let enough = self.heartbeats + times;
        self.read_until("a heartbeat", |watch| watch.heartbeats >= enough);
    }

    /// The data of all events so far.
    pub(crate) fn data(&self) -> Vec<&str> {
        self.events.iter().map(|(_, data)| data.as_str()).collect()
    }

    #[track_caller]
    fn read_until(&mut self, what: &str, is_enough: impl Fn(&Self) -> bool) {
        while !is_enough(self) {
            match self.stream.next() {
                Ok(Some(block)) => self.take(block),
                other => panic!("{other:?} instead of {what:?}; {:?} {:?}", self.data(), self.gaps),
            }
        }
    }

    fn take(&mut self, block: Block) {
        if block.event.kind == CURSOR {
            self.heartbeats += 1;
        } else if let Some(Gap { reason, from, to, .. }) = block.gap() {
            let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
            self.gaps.push(Told { reason, from, to, at: self.events.len() });
        } else {
            self.events.push((block.id.expect("every event has an id"), block.event.data));
        }
    }
}

/// Checks that ids rise.
#[track_caller]
pub(crate) fn assert_rising(events: &[(String, String)]) {
    let is_wrong = |pair: &&[(String, String)]| id(&pair[0].0) >= id(&pair[1].0);
    let wrong = events.windows(2).find(is_wrong);
    assert_eq!(wrong, None);
}
