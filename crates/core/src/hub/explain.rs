//! [`Explanation`]: what became of one event for a client, from what the order, the history and the shards know.

use std::sync::Arc;

use crate::{
    event::{event_id::EventId, name::ClientId, target::Target},
    fates::{
        record::{Ended, Record},
        verdict::{Known, Verdict},
    },
    hub::Hub,
    queue::{
        inbox::Item,
        listing::{Whose, Witness},
        tally::{Inquiry, Report},
    },
};

/// What became of one event, for the connections that were asked for.
///
/// Times are in milliseconds of the clock that drives the shards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The id.
    pub event: EventId,
    /// What is known of the event.
    pub about: About,
    /// What became of it on each connection that was open then, or has asked for it since, or is open now: oldest first.
    pub connections: Vec<ConnectionFate>,
    /// Whether other connections may have been there that are forgotten, or that are too many to be told.
    pub is_forgetful: bool,
}

/// What is known of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// Its targets, and whether the history has it now.
    Event {
        /// The targets.
        targets: Vec<Target>,
        /// Whether the history has it.
        is_there: bool,
    },
    /// There is no such event: nothing has this id.
    NoEvent,
    /// It is too long ago to know.
    Forgotten,
}

/// What became of one event on one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionFate {
    /// The number of the connection.
    pub connection: u64,
    /// The client.
    pub client: ClientId,
    /// The time at which it opened.
    pub opened_ms: u64,
    /// Its end.
    pub ended: Option<Ended>,
    /// What became of the event.
    pub verdict: Verdict,
}

impl<S> Hub<S> {
    /// What became of the event `id` on some connections. Asks the shards, which answer between two passes.
    pub async fn explain(&self, id: EventId, whose: &Whose) -> Explanation {
        // Before the answers: an event that is gone now cannot be read any more.
        let (newest_then, _, kept_then) = self.order.find(id);
        let report = Arc::new(Report::<Witness>::new(self.config.shards));
        self.ask(|| Item::Testify { whose: whose.clone(), id, inquiry: Inquiry::of(&report) });
        let witnesses = report.answers().await;
        // After the answers: an event that is kept now was kept by then.
        let (last, event, kept_for) = self.order.find(id);
        let about = match &event {
            Ok(Some(event)) => About::Event { targets: event.targets.to_vec(), is_there: !kept_for.is_empty() },
            Ok(None) => About::NoEvent,
            Err(()) => About::Forgotten,
        };
        let targets = event.as_ref().ok().and_then(Option::as_ref).map(|event| &*event.targets);
        let known = Known {
            id,
            targets,
            // One that has come since was there for a while.
            readable_for: if id > newest_then { targets.unwrap_or_default() } else { &kept_then },
            is_kept: event.as_ref().is_ok_and(|event| event.as_ref().is_none_or(|event| event.is_kept)),
            kept_for: &kept_for,
        };
        let mut connections = Vec::new();
        for witness in &witnesses {
            let fates = witness.records.iter().filter(|_| about != About::NoEvent);
            connections.extend(fates.map(|record| fate(record, known, witness)));
        }
        connections.sort_unstable_by_key(|fate| fate.connection);
        let may_lack = |witness: &Witness| witness.is_cut || id <= last && id <= witness.forgotten;
        let is_forgetful = witnesses.iter().any(may_lack);
        Explanation { event: id, about, connections, is_forgetful }
    }
}

fn fate(record: &Record, known: Known<'_>, witness: &Witness) -> ConnectionFate {
    ConnectionFate {
        connection: record.connection,
        client: record.client.clone(),
        opened_ms: record.opened_ms,
        ended: record.ended,
        verdict: Verdict::of(record, known, witness.passed, witness.now_ms),
    }
}
