//! [`Slot`]: the engine's record of one connection: its state, its ring and where its bytes leave.
//!
//! Only its shard touches it, through verbs. A message that was begun is always finished first, whole.
//!
//! This file and the three of its folder are one room: they alone write the fields of a slot, but for its `Patience`, which `pace`
//! owns. `flush` writes to the outlet and ends the stream. `catch_up` feeds the slot from the history, and empties its ring. The
//! policy of a full ring is applied here and there. `looks` is for operators.

mod catch_up;
mod flush;
mod looks;

use std::{mem, task::Poll};

use crate::{
    config::Config,
    event::{
        account::{Account, Fate},
        charged::Charged,
        event_id::EventId,
        gap::{Gap, GapReason},
        message::Message,
        notice::CloseReason,
    },
    fates::trail::Trail,
    policy::Policy,
    queue::{
        outlet::{Framing, Outlet, Socket},
        ring::Ring,
        subscriber::{Form, NEVER, Subscriber},
    },
    shard::{
        ledger::Ledger,
        losses::{Losses, Setbacks},
        pace::Patience,
        pass::Pass,
        state::{CatchUp, GoesOn, Rest, State},
    },
};

/// One connection.
#[derive(Debug)]
pub(crate) struct Slot<S> {
    connection: u64,
    /// The newest id considered for the connection. A message at or below it is not delivered any more.
    seen: EventId,
    state: State,
    outlet: Outlet<S>,
    rest: Option<Rest>,
    ring: Option<Box<Ring>>,
    /// Monotonic time of the last byte that left, or at which bytes began to wait.
    progress_ms: u64,
    /// The socket took nothing the last time, and has not said since that it would.
    is_full: bool,
    /// The ring of the body was emptied, and the body has taken nothing since.
    is_unread: bool,
    /// A copy from the subscriber, which is further away in memory.
    form: Form,
    /// Whether the stream has a time at which it ends. Here, so that a sweep touches no other memory.
    may_expire: bool,
    /// The reason of an end in good order.
    end_reason: CloseReason,
    patience: Patience,
    account: Account,
    /// None of connections that every event went to at once. They are boxed, because a slot is small.
    setbacks: Option<Box<Setbacks>>,
    input_bytes: usize,
    subscriber: Box<Subscriber>,
}

impl<S> Slot<S> {
    /// Nothing more comes: a body ends with an error. A socket closes when it is dropped. Returns the events that a body will not take.
    pub(crate) fn cut(&self) -> Vec<EventId> {
        self.outlet.cut()
    }
}

impl<S: Socket> Slot<S> {
    /// A slot whose client may have missed events up to `known` without a gap.
    pub(crate) fn new(connection: u64, subscriber: Box<Subscriber>, known: EventId) -> Self {
        let cursor = subscriber.cursor;
        let is_behind = cursor < subscriber.opened;
        Self {
            connection,
            // A cursor may be newer than this hub: see `History::beginning`.
            seen: subscriber.opened.max(cursor),
            state: if is_behind { State::CatchUp(CatchUp::resume(cursor)) } else { State::Live },
            outlet: Outlet::Unattached,
            rest: None,
            ring: None,
            progress_ms: subscriber.opened_ms,
            is_full: false,
            is_unread: false,
            form: subscriber.form,
            may_expire: subscriber.expires_ms != NEVER,
            end_reason: CloseReason::Drained,
            patience: Patience::new(),
            account: Account { position: cursor, ..Account::default() },
            setbacks: (known > EventId::ZERO).then(|| Box::new(Setbacks::known_up_to(known))),
            input_bytes: 0,
            subscriber,
        }
    }

    /// The number of the connection.
    pub(crate) fn connection(&self) -> u64 {
        self.connection
    }

    /// The newest id considered for the connection.
    pub(crate) fn seen(&self) -> EventId {
        self.seen
    }

    /// Every message up to `id` has been considered.
    pub(crate) fn see(&mut self, id: EventId) {
        self.seen = self.seen.max(id);
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// The outlet, for its kind. Only the slot writes to it.
    pub(crate) fn outlet(&self) -> &Outlet<S> {
        &self.outlet
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    pub(crate) fn subscriber(&self) -> &Subscriber {
        &self.subscriber
    }

    pub(crate) fn patience(&self) -> &Patience {
        &self.patience
    }

    pub(crate) fn patience_mut(&mut self) -> &mut Patience {
        &mut self.patience
    }

    /// Counts messages of a pass that are for this connection.
    pub(crate) fn count_matched(&mut self, messages: u32) {
        self.account.matched += u64::from(messages);
    }

    /// Counts messages that the socket has taken whole, up to `newest`.
    pub(crate) fn count_written(&mut self, messages: u32, newest: EventId, now_ms: u64) {
        self.progress_ms = now_ms;
        self.account.written += u64::from(messages);
        self.account.position = newest;
    }

    /// Whether the socket took nothing the last time, and has not said since that it would.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    /// The socket took nothing.
    pub(crate) fn fill(&mut self) {
        self.is_full = true;
    }

    /// The outlet may go on. Throws away what the peer sends, which has nothing to say on an event stream.
    ///
    /// # Errors
    /// The peer has closed its side, or has sent more than `input_bytes_max` in all.
    pub(crate) fn wake_up(&mut self, input_bytes_max: usize) -> GoesOn {
        self.is_full = false;
        let gone = self.end().unwrap_or(CloseReason::ClientGone);
        let Outlet::Socket { socket, .. } = &mut self.outlet else { return Ok(()) };
        while self.input_bytes <= input_bytes_max {
            match socket.poll_discard() {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(0) | Err(_)) => return Err(gone),
                Poll::Ready(Ok(bytes)) => self.input_bytes += bytes,
            }
        }
        Err(CloseReason::TooMuchInput)
    }

    /// Milliseconds since the last byte left, or since bytes began to wait.
    pub(crate) fn silent_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.progress_ms)
    }

    /// The id that a heartbeat tells the client: everything up to it has left, or was for others. `position` is the shard's. None
    /// while the client has yet to receive a gap, and once its stream ends.
    pub(crate) fn tell_cursor(&mut self, position: EventId) -> Option<EventId> {
        let cursor = match &self.state {
            State::CatchUp(catch_up) => catch_up.cursor,
            // A stream that ends has not got what came since.
            State::Dropping | State::Closing(_) => return None,
            State::Live => position.max(self.seen),
        };
        self.account.position = self.account.position.max(cursor);
        Some(cursor)
    }

    /// Whether everything has left. A body's ring counts until the body has taken it.
    pub(crate) fn is_flushed(&self) -> bool {
        match &self.outlet {
            Outlet::Body { port, .. } => port.is_empty(),
            _ => self.rest.is_none() && self.is_front_empty() && self.ring.as_ref().is_none_or(|ring| ring.is_empty()),
        }
    }

    /// Whether everything has left, or is with hyper, which sends the rest of a body that has come to its end.
    pub(crate) fn has_given_all(&self) -> bool {
        match &self.outlet {
            Outlet::Body { port, .. } => port.is_taken(),
            _ => self.is_flushed(),
        }
    }

    /// Whether the response head is out.
    pub(crate) fn is_attached(&self) -> bool {
        !matches!(self.outlet, Outlet::Unattached)
    }

    /// The reason of the end, once everything has been given to the outlet, and the end of the stream with it.
    pub(crate) fn end(&self) -> Option<CloseReason> {
        let is_out = matches!(&self.state, State::Closing(closing) if closing.out_ms.is_some());
        is_out.then_some(self.end_reason)
    }

    /// Whether the time of the stream is over.
    pub(crate) fn is_expired(&self, now_ms: u64) -> bool {
        self.may_expire && self.subscriber.expires_ms <= now_ms
    }

    /// Whether the end of the stream has begun.
    pub(crate) fn is_closing(&self) -> bool {
        matches!(self.state, State::Closing(_))
    }

    /// Bytes of the message that is partly in the socket, or of those that have partly left the body, and those that a socket keeps
    /// back.
    pub(crate) fn rest_bytes(&self) -> usize {
        let rest = self.rest.as_ref().map_or(0, |rest| rest.charged.message().bytes());
        match &self.outlet {
            Outlet::Unattached => rest,
            Outlet::Socket { socket, .. } => rest + socket.kept_bytes(),
            Outlet::Body { port, .. } => port.leaving_bytes(),
        }
    }

    /// Bytes in the ring.
    pub(crate) fn waiting_bytes(&self) -> usize {
        match &self.outlet {
            Outlet::Body { port, .. } => port.ring().bytes(),
            _ => self.ring.as_ref().map_or(0, |ring| ring.bytes()),
        }
    }

    /// Whether a flood should wait for this connection. Only a socket says when it has room again.
    pub(crate) fn is_short_of_room(&self, config: &Config) -> bool {
        matches!(self.outlet, Outlet::Socket { .. }) && !self.has_room_for_a_pass(config)
    }

    /// Whether the ring would take another pass, unless that is one large message.
    pub(crate) fn has_room_for_a_pass(&self, config: &Config) -> bool {
        self.ring.as_ref().is_none_or(|ring| {
            ring.len() + Pass::messages_max(config) <= config.ring_messages_max
                && ring.bytes() + Pass::bytes_max(config) <= config.ring_bytes_max
        })
    }

    /// The socket and its framing, if messages can go straight there.
    pub(crate) fn idle_socket(&mut self) -> Option<(&mut S, Framing)> {
        let is_idle = matches!(self.state, State::Live)
            && self.rest.is_none()
            && self.is_front_empty()
            && self.ring.as_ref().is_none_or(|ring| ring.is_empty());
        match &mut self.outlet {
            Outlet::Socket { socket, framing } if is_idle => Some((socket, *framing)),
            _ => None,
        }
    }

    /// Keeps a message of which the socket took the first `written_bytes`.
    pub(crate) fn keep_rest(&mut self, message: Message, written_bytes: usize, ledger: &mut Ledger, now_ms: u64) {
        self.note_wait(ledger, now_ms);
        self.progress_ms = now_ms;
        self.account.position = message.id();
        self.rest = Some(Rest { charged: Charged::new(message), written_bytes });
    }

    /// Puts `message` into the ring. If there is no room, the policy decides; `Err` is the policy close.
    pub(crate) fn enqueue(
        &mut self,
        message: &Message,
        config: &Config,
        ledger: &mut Ledger,
        now_ms: u64,
    ) -> Result<Fate, CloseReason> {
        self.begin_to_wait(ledger, now_ms);
        if self.ring_or_new(config).push(message.clone()).is_ok() {
            self.account.position = message.id();
            return Ok(Fate::Queued);
        }
        match self.subscriber.policy {
            Policy::Repair => {
                self.repair(message.id().before(), ledger, now_ms);
                Ok(self.skip(message, ledger))
            }
            Policy::DropNewest => {
                self.state = State::Dropping;
                Ok(self.skip(message, ledger))
            }
            Policy::DropOldest => {
                self.drop_oldest(message, config, ledger);
                Ok(Fate::Queued)
            }
            Policy::Close => {
                self.skip(message, ledger);
                Err(CloseReason::Busy)
            }
        }
    }

    /// Starts the write timeout if nothing waits yet. A body whose ring was emptied before it took anything keeps its old start.
    fn begin_to_wait(&mut self, ledger: &mut Ledger, now_ms: u64) {
        if let Outlet::Body { port, taken } = &self.outlet {
            self.is_unread &= port.taken() == *taken;
        }
        if self.is_flushed() {
            self.note_wait(ledger, now_ms);
            if !self.is_full && !self.is_unread {
                self.progress_ms = now_ms;
            }
        } else if self.has_only_a_line() {
            self.note_wait(ledger, now_ms);
        }
    }

    /// Whether no event waits, but a control line: a heartbeat, or gaps.
    fn has_only_a_line(&self) -> bool {
        let is_line = |rest: &Rest| rest.charged.message().id() == EventId::ZERO;
        self.rest.as_ref().is_some_and(is_line) && self.ring.as_ref().is_none_or(|ring| ring.is_empty())
    }

    /// Notes that an event begins to wait, behind all that came before it.
    fn note_wait(&mut self, ledger: &mut Ledger, now_ms: u64) {
        let position = self.account.position;
        self.trail_mut().wait(position, now_ms, &mut ledger.room);
    }

    /// Notes that everything that waited has left.
    pub(crate) fn note_emptied(&mut self, now_ms: u64) {
        if let Some(setbacks) = &mut self.setbacks {
            setbacks.trail.empty(self.account.position, now_ms);
        }
    }

    /// From now on the history gives the events above `cursor`.
    fn repair(&mut self, cursor: EventId, ledger: &mut Ledger, now_ms: u64) {
        self.state = State::CatchUp(CatchUp::repair(cursor));
        self.trail_mut().repair(cursor, now_ms, &mut ledger.room);
    }

    /// Makes room for `message`. The gap of the dropped messages goes before the rest of the ring.
    fn drop_oldest(&mut self, message: &Message, config: &Config, ledger: &mut Ledger) {
        // A body takes nothing meanwhile, so that it finds the gap before newer messages.
        let freeze = match &self.outlet {
            Outlet::Body { port, .. } => Some(port.freeze()),
            _ => None,
        };
        let ring = self.ring_or_new(config);
        let mut dropped = Vec::new();
        while !ring.has_room(message.bytes())
            && let Some(oldest) = ring.pop()
        {
            dropped.push(oldest);
        }
        let pushed = ring.push(message.clone());
        debug_assert!(pushed.is_ok(), "an empty ring takes any message");
        self.account.position = message.id();
        self.lose_all(&dropped, ledger);
        drop(freeze);
    }

    /// Counts messages from the front of the ring as lost. Their gap goes before the rest of the ring.
    fn lose_all(&mut self, messages: &[Message], ledger: &mut Ledger) {
        // A heartbeat makes room as well, and nobody misses it.
        for message in messages.iter().filter(|message| message.id() != EventId::ZERO) {
            self.account.dropped += 1;
            self.account.lost += 1;
            ledger.accounts.note(message, Fate::Lost { is_busy: true });
            ledger.totals.count_lost(1);
            let (gap, is_new) = self.with_front(|front| match front.last_mut() {
                Some(last) if last.missed.is_some() => {
                    last.missed = last.missed.map(|missed| missed + 1);
                    last.to = Some(message.id());
                    (*last, false)
                }
                _ => {
                    let (from, to) = (Some(message.id().before()), Some(message.id()));
                    let gap = Gap { from, to, missed: Some(1), reason: GapReason::Busy };
                    front.push(gap);
                    (gap, true)
                }
            });
            if is_new {
                ledger.totals.count_gap(&gap);
            }
            self.trail_mut().drop_all(gap, true, &mut ledger.room);
        }
    }

    /// The losses of the connection, for a change.
    fn losses_mut(&mut self) -> &mut Losses {
        &mut self.setbacks.get_or_insert_default().losses
    }

    /// What happened to the events of the connection, for a note.
    fn trail_mut(&mut self) -> &mut Trail {
        &mut self.setbacks.get_or_insert_default().trail
    }

    /// Whether no gap goes before the ring. A body's port has its own.
    fn is_front_empty(&self) -> bool {
        self.setbacks.as_ref().is_none_or(|setbacks| setbacks.losses.is_front_empty())
    }

    /// Changes the gaps that go before the ring.
    fn with_front<R>(&mut self, change: impl FnOnce(&mut Vec<Gap>) -> R) -> R {
        match &self.outlet {
            Outlet::Body { port, .. } => change(&mut port.front()),
            _ => change(self.losses_mut().front()),
        }
    }

    /// Gives the ring's memory back while it is empty.
    pub(crate) fn shrink(&mut self) {
        if self.ring.as_ref().is_some_and(|ring| ring.is_empty()) {
            self.ring = None;
        }
    }

    /// Attaches the outlet: the response head is out. A body takes over the messages of the ring.
    pub(crate) fn attach(&mut self, outlet: Outlet<S>, input_bytes: usize, now_ms: u64) {
        let front = self.setbacks.as_mut().map(|setbacks| mem::take(setbacks.losses.front())).unwrap_or_default();
        self.outlet = outlet;
        self.input_bytes = input_bytes;
        self.progress_ms = now_ms;
        if !front.is_empty() {
            self.with_front(|fresh| *fresh = front);
        }
        if let Outlet::Body { port, .. } = &self.outlet
            && let Some(ring) = self.ring.take()
        {
            while let Some(message) = ring.pop() {
                let pushed = port.ring().push(message);
                debug_assert!(pushed.is_ok(), "both rings have the same limits");
            }
            port.wake();
        }
    }

    /// Whether bytes wait and the outlet has taken none since the last look at `progress_ms`.
    pub(crate) fn look_whether_stalled(&mut self, timeout_ms: u64, now_ms: u64) -> bool {
        if let Outlet::Body { port, taken } = &mut self.outlet {
            let taken_now = port.taken();
            if *taken != taken_now {
                *taken = taken_now;
                self.progress_ms = now_ms;
                self.is_unread = false;
            }
        }
        (self.is_full || self.is_unread || !self.is_flushed()) && now_ms.saturating_sub(self.progress_ms) >= timeout_ms
    }

    /// The account of the connection.
    pub(crate) fn account(&self) -> Account {
        match &self.outlet {
            Outlet::Body { port, .. } => Account { written: port.written(), ..self.account },
            _ => self.account,
        }
    }

    fn ring_or_new(&mut self, config: &Config) -> &Ring {
        match &self.outlet {
            Outlet::Body { port, .. } => port.ring(),
            _ => self.ring.get_or_insert_with(|| Box::new(Ring::new(config.ring_messages_max, config.ring_bytes_max))),
        }
    }
}
