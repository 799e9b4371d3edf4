//! A slot as operators see it, and the end that they order.

use crate::{
    event::{event_id::EventId, notice::CloseReason},
    fates::{
        record::{Ended, Progress, Record},
        trail::TrailRoom,
    },
    queue::{
        listing::{Doing, Listed, Whose},
        outlet::{Outlet, Socket},
        subscriber::NEVER,
    },
    shard::{slot::Slot, state::State},
};

impl<S: Socket> Slot<S> {
    /// Has the stream end in good order at the next look. False if its end has begun, or is ordered already.
    pub(crate) fn disconnect(&mut self, now_ms: u64) -> bool {
        if self.is_closing() || self.is_disconnected() {
            return false;
        }
        self.end_reason = CloseReason::Disconnected;
        self.may_expire = true;
        self.subscriber.expires_ms = self.subscriber.expires_ms.min(now_ms);
        true
    }

    /// Whether the end was ordered.
    pub(crate) fn is_disconnected(&self) -> bool {
        self.end_reason == CloseReason::Disconnected
    }

    /// The connection as a list shows it.
    pub(crate) fn listed(&self, shard: usize, place: (u64, u64), now_ms: u64) -> Listed {
        let subscriber = &self.subscriber;
        Listed {
            connection: self.connection,
            client: subscriber.client.clone(),
            channels: subscriber.channels.clone(),
            patterns: subscriber.patterns.clone(),
            shard,
            policy: subscriber.policy,
            doing: match &self.state {
                _ if !self.is_attached() => Doing::Opening,
                State::Live => Doing::Live,
                State::CatchUp(_) => Doing::CatchingUp,
                State::Dropping => Doing::Dropping,
                State::Closing(_) => Doing::Closing,
            },
            account: self.account(),
            waiting_bytes: self.waiting_bytes() + self.rest_bytes(),
            opened_ms: subscriber.opened_ms,
            expires_ms: (subscriber.expires_ms != NEVER).then_some(subscriber.expires_ms),
            silent_ms: self.silent_ms(now_ms),
            held: subscriber.held.clone(),
            place,
        }
    }

    /// The room of the trail is free again: the connection has ended.
    pub(crate) fn give_room(&self, room: &mut TrailRoom) {
        if let Some(setbacks) = &self.setbacks {
            setbacks.trail.give_room(room);
        }
    }

    /// The connection as it stands now, and its end if it has ended.
    pub(crate) fn record(&self, ended: Option<Ended>) -> Record {
        let subscriber = &self.subscriber;
        let waiting = match (&self.outlet, &self.ring) {
            (Outlet::Body { port, .. }, _) => port.waiting(),
            (_, Some(ring)) => ring.ids(),
            (_, None) => Vec::new(),
        };
        let begun = self.rest.as_ref().map(|rest| rest.charged.message().id());
        Record {
            connection: self.connection,
            client: subscriber.client.clone(),
            channels: subscriber.channels.clone(),
            patterns: subscriber.patterns.clone(),
            cursor: subscriber.cursor,
            opened: subscriber.opened,
            known: self.setbacks.as_ref().map_or(EventId::ZERO, |setbacks| setbacks.losses.known()),
            opened_ms: subscriber.opened_ms,
            ended,
            position: self.account.position,
            seen: self.seen,
            progress: match &self.state {
                State::Live => Progress::Live,
                State::CatchUp(catch_up) => {
                    Progress::Behind { cursor: catch_up.cursor, is_reading: catch_up.is_reading() }
                }
                State::Dropping => Progress::Dropping { after: self.account.position },
                State::Closing(closing) => Progress::Closing { after: closing.after },
            },
            begun: begun.filter(|id| *id > EventId::ZERO),
            waiting,
            untold: match (&self.outlet, &self.setbacks) {
                (Outlet::Body { port, .. }, _) => port.front().clone(),
                (_, Some(setbacks)) => setbacks.losses.untold(begun == Some(EventId::ZERO)),
                (_, None) => Vec::new(),
            },
            trail: self.setbacks.as_ref().map(|setbacks| setbacks.trail.clone()).unwrap_or_default(),
        }
    }

    /// Whether the stream was there for the event with this id, or has asked for it from the history.
    pub(crate) fn was_there(&self, id: EventId) -> bool {
        id > self.subscriber.cursor
    }

    /// Whether the connection is one of these.
    pub(crate) fn is_one_of(&self, whose: &Whose) -> bool {
        let subscriber = self.subscriber();
        match whose {
            Whose::Connection(connection) => self.connection() == *connection,
            Whose::Client(client) => subscriber.client == *client,
            Whose::Channel(channel) => subscriber.follows(channel),
        }
    }
}
