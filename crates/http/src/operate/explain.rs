//! [`Explanation`]: what became of one event for a client, in the words of an operator.

use std::time::{Duration, SystemTime};

use fanfare_core::{
    ClientId, EventId, Gap, Target,
    engine::{self, About, CloseReason, Place, Whose},
};

use super::operator::Operator;
use crate::traces::context::TraceId;

/// What became of one event for a client, or on one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The id of the event.
    pub event: EventId,
    /// The targets of the event, if they are still known.
    pub targets: Option<Vec<Target>>,
    /// The trace that its publisher has named, if that is still known: of the last 4,096 events that had one.
    pub trace: Option<TraceId>,
    /// The best that became of it.
    pub verdict: Verdict,
    /// What became of it on each connection that was open then, or has asked for it since, or is open now: oldest first.
    pub connections: Vec<ConnectionFate>,
}

/// What became of one event on one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionFate {
    /// The number of the connection.
    pub connection: u64,
    /// The client.
    pub client: ClientId,
    /// The time at which it opened.
    pub opened: SystemTime,
    /// The time at which it ended, and the reason.
    pub closed: Option<(SystemTime, CloseReason)>,
    /// What became of the event.
    pub verdict: Verdict,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server took it to the socket of the client in this span of time. Whether the client has read it, the server does not know.
    Written {
        /// Not before.
        from: SystemTime,
        /// Not after.
        to: SystemTime,
    },
    /// The history gave it in this span of time: the stream began in the past, or its ring was full.
    Repaired {
        /// Not before.
        from: SystemTime,
        /// Not after.
        to: SystemTime,
    },
    /// It waits.
    Waiting {
        /// Where.
        place: Place,
    },
    /// It found no room, and the policy or the event allows no repair. The stream was told the gap, or will be.
    Dropped {
        /// The gap, once it is known.
        gap: Option<Gap>,
    },
    /// The history did not have it any more. The stream was told the gap, or will be.
    InGap {
        /// The gap, once it is known.
        gap: Option<Gap>,
    },
    /// The stream ended while the event waited. The client comes back for it with its cursor.
    Closed {
        /// The reason of the end.
        reason: CloseReason,
        /// The time of the end.
        at: SystemTime,
    },
    /// The stream does not follow any target of the event.
    NotSubscribed,
    /// A stream of the client was refused about then.
    Refused {
        /// The name of the rule, as in the log.
        rule: String,
        /// The time of the refusal.
        at: SystemTime,
    },
    /// The client had no stream then, or its stream began behind the event.
    NotConnected,
    /// There is no event with this id.
    NoSuchEvent,
    /// Nobody knows any more: the event, or the streams of the client, are forgotten.
    TooLongAgo,
}

impl Verdict {
    /// The word in answers and lists: `written`, `repaired`, `waiting`, `dropped`, `in-gap`, `closed`, `not-subscribed`, `refused`,
    /// `not-connected`, `no-such-event` or `too-long-ago`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Written { .. } => "written",
            Self::Repaired { .. } => "repaired",
            Self::Waiting { .. } => "waiting",
            Self::Dropped { .. } => "dropped",
            Self::InGap { .. } => "in-gap",
            Self::Closed { .. } => "closed",
            Self::NotSubscribed => "not-subscribed",
            Self::Refused { .. } => "refused",
            Self::NotConnected => "not-connected",
            Self::NoSuchEvent => "no-such-event",
            Self::TooLongAgo => "too-long-ago",
        }
    }

    /// The rank among the fates of several connections: the best is the lowest.
    fn rank(&self) -> u8 {
        match self {
            Self::Written { .. } | Self::Repaired { .. } => 0,
            Self::Waiting { .. } => 1,
            Self::Dropped { .. } | Self::InGap { .. } => 2,
            Self::Closed { .. } => 3,
            Self::TooLongAgo => 4,
            Self::NotSubscribed => 5,
            Self::Refused { .. } | Self::NotConnected | Self::NoSuchEvent => 6,
        }
    }
}

impl Operator {
    /// What became of an event for a client.
    ///
    /// [`Operator`] has an example.
    pub async fn explain(&self, event: EventId, client: &ClientId) -> Explanation {
        let explanation = self.app.hub.explain(event, &Whose::Client(client.clone())).await;
        let (about, is_forgetful) = (explanation.about.clone(), explanation.is_forgetful);
        let mut explained = self.explained(explanation);
        explained.verdict = match explained.connections.iter().map(|fate| &fate.verdict).min_by_key(|best| best.rank())
        {
            _ if about == About::NoEvent => Verdict::NoSuchEvent,
            Some(best) if best.rank() < Verdict::NotSubscribed.rank() => best.clone(),
            best => match self.refused(event, client, explained.targets.as_deref()) {
                Some(refused) => refused,
                None if best == Some(&Verdict::NotSubscribed) => Verdict::NotSubscribed,
                None if about == About::Forgotten || is_forgetful => Verdict::TooLongAgo,
                None => Verdict::NotConnected,
            },
        };
        explained
    }

    /// What became of an event on one connection. None if nothing is known of the connection.
    pub async fn explain_connection(&self, event: EventId, connection: u64) -> Option<Explanation> {
        let explanation = self.app.hub.explain(event, &Whose::Connection(connection)).await;
        let is_event = explanation.about != About::NoEvent;
        let mut explained = self.explained(explanation);
        let fate = explained.connections.first().map(|fate| fate.verdict.clone());
        explained.verdict = if is_event { fate? } else { Verdict::NoSuchEvent };
        Some(explained)
    }

    /// The refusal of a stream of the client that would have got the event, before it or soon after.
    fn refused(&self, event: EventId, client: &ClientId, targets: Option<&[Target]>) -> Option<Verdict> {
        let refused = self.app.refused_streams.of(client, event.ms(), targets)?;
        let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(refused.at_ms))?;
        Some(Verdict::Refused { rule: refused.rule.to_owned(), at })
    }

    fn explained(&self, explanation: engine::Explanation) -> Explanation {
        let engine::Explanation { event, about, connections, .. } = explanation;
        let targets = match about {
            About::Event { targets, .. } => Some(targets),
            About::NoEvent | About::Forgotten => None,
        };
        let connections = connections.into_iter().map(|fate| self.fate(event, fate)).collect();
        Explanation { event, targets, trace: self.app.traces.of(event), verdict: Verdict::TooLongAgo, connections }
    }

    fn fate(&self, event: EventId, fate: engine::ConnectionFate) -> ConnectionFate {
        let engine::ConnectionFate { connection, client, opened_ms, ended, verdict } = fate;
        let closed = ended.map(|ended| (self.wall(ended.ms), ended.reason));
        let published = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(event.ms()));
        let verdict = match verdict {
            engine::Verdict::NotSubscribed => Verdict::NotSubscribed,
            engine::Verdict::NotConnected => Verdict::NotConnected,
            engine::Verdict::Written(Some((from_ms, to_ms))) => {
                Verdict::Written { from: self.wall(from_ms), to: self.wall(to_ms) }
            }
            engine::Verdict::Written(None) => {
                let from = published.unwrap_or(SystemTime::UNIX_EPOCH);
                Verdict::Written { from, to: closed.map_or_else(SystemTime::now, |(at, _)| at) }
            }
            engine::Verdict::Repaired(from_ms, to_ms) => {
                Verdict::Repaired { from: self.wall(from_ms), to: self.wall(to_ms) }
            }
            engine::Verdict::Waiting(place) => Verdict::Waiting { place },
            engine::Verdict::Dropped(gap) => Verdict::Dropped { gap },
            engine::Verdict::InGap(gap) => Verdict::InGap { gap },
            engine::Verdict::Closed(reason) => {
                Verdict::Closed { reason, at: closed.map_or_else(SystemTime::now, |(at, _)| at) }
            }
            engine::Verdict::TooLongAgo => Verdict::TooLongAgo,
        };
        ConnectionFate { connection, client, opened: self.wall(opened_ms), closed, verdict }
    }
}
