//! [`Slot`]: the engine's record of one connection: its state, its ring and where its bytes leave.
//!
//! Only its shard touches it. Whatever happens, a message that was begun is finished first, whole.

mod flush;

use crate::{
    busy::Busy,
    config::Config,
    event_id::EventId,
    journal::Batch,
    message::{Held, Message},
    notice::CloseReason,
    outlet::{Framing, Outlet, Socket},
    pace::Patience,
    pass::Pass,
    policy::Policy,
    ring::Ring,
    subscription::Subscriber,
};

/// What a slot is due next.
#[derive(Debug)]
pub(crate) enum State {
    /// Registered, its head not yet out. What it is due goes to its ring, unless it resumes: then the journal
    /// will have it.
    Opening { resume: Option<EventId> },
    /// Gets every message as it comes.
    Live,
    /// Gets nothing live; is fed from the journal from `cursor` (exclusive) on whenever its ring is empty.
    CatchUp { cursor: EventId, is_reading: bool },
    /// Gets what waits, then its last line, then the end.
    Closing(Closing),
}

#[derive(Debug)]
pub(crate) struct Closing {
    /// Still to be written, when all else is.
    last: Option<Message>,
    /// When it was told the end, if it was: it may now close its side, until the linger time is over.
    pub(crate) told_ms: Option<u64>,
}

/// The message that is partly in the socket, and how many bytes of it.
#[derive(Debug)]
struct Rest {
    held: Held,
    written_bytes: usize,
}

/// What became of a message for one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Written,
    Queued,
    Dropped,
}

/// The connection cannot go on.
pub(crate) type Ends = Result<(), CloseReason>;

/// One connection.
#[derive(Debug)]
pub(crate) struct Slot<S> {
    pub(crate) connection: u64,
    /// The newest id considered for it; a message at or below it is not for it any more.
    pub(crate) seen: EventId,
    pub(crate) state: State,
    pub(crate) outlet: Outlet<S>,
    rest: Option<Rest>,
    ring: Option<Box<Ring>>,
    /// Monotonic time of the last byte that left, or at which bytes began to wait.
    pub(crate) progress_ms: u64,
    /// The socket took nothing the last time and has not said since that it would.
    pub(crate) is_full: bool,
    pub(crate) patience: Patience,
    pub(crate) written: u64,
    pub(crate) dropped: u64,
    /// Messages that the journal has to give before it is live again.
    owed: u64,
    pub(crate) input_bytes: usize,
    pub(crate) subscriber: Box<Subscriber>,
}

impl<S: Socket> Slot<S> {
    pub(crate) fn new(connection: u64, subscriber: Box<Subscriber>) -> Self {
        Self {
            connection,
            // A cursor from the future: nothing is due to it until the ids have come that far.
            seen: subscriber.resume.map_or(subscriber.seen, |cursor| subscriber.seen.max(cursor)),
            state: State::Opening { resume: subscriber.resume },
            outlet: Outlet::Unattached,
            rest: None,
            ring: None,
            progress_ms: subscriber.opened_ms,
            is_full: false,
            patience: Patience::new(),
            written: 0,
            dropped: 0,
            owed: 0,
            input_bytes: 0,
            subscriber,
        }
    }

    /// Whether everything it was given has left. A body's ring counts until the body has taken it.
    pub(crate) fn is_flushed(&self) -> bool {
        match &self.outlet {
            Outlet::Body { port, .. } => port.ring().is_empty(),
            _ => self.rest.is_none() && self.ring.as_ref().is_none_or(|ring| ring.is_empty()),
        }
    }

    /// Whether it was given all it was due and the end of the stream with it.
    pub(crate) fn was_told(&self) -> bool {
        matches!(&self.state, State::Closing(closing) if closing.told_ms.is_some())
    }

    /// Whether its end has begun.
    pub(crate) fn is_closing(&self) -> bool {
        matches!(self.state, State::Closing(_))
    }

    /// Bytes of the message that is partly in its socket.
    pub(crate) fn rest_bytes(&self) -> usize {
        self.rest.as_ref().map_or(0, |rest| rest.held.message().bytes())
    }

    /// Bytes that wait in its ring.
    pub(crate) fn waiting_bytes(&self) -> usize {
        match &self.outlet {
            Outlet::Body { port, .. } => port.ring().bytes(),
            _ => self.ring.as_ref().map_or(0, |ring| ring.bytes()),
        }
    }

    /// Whether it should be waited for. Only a socket says when it has room again; an Opening slot has none, and a body
    /// is emptied by its reader's task.
    pub(crate) fn is_short_of_room(&self, config: &Config) -> bool {
        matches!(self.outlet, Outlet::Socket { .. }) && !self.has_room_for_a_pass(config)
    }

    /// Whether its ring would take another pass, unless that is one large message.
    pub(crate) fn has_room_for_a_pass(&self, config: &Config) -> bool {
        self.ring.as_ref().is_none_or(|ring| {
            ring.len() + Pass::messages_max(config) <= config.ring_messages_max
                && ring.bytes() + Pass::bytes_max(config) <= config.ring_bytes_max
        })
    }

    /// Whether `messages` can go straight to its socket; gives the socket and its framing if so.
    pub(crate) fn idle_socket(&mut self) -> Option<(&mut S, Framing)> {
        let is_idle = matches!(self.state, State::Live)
            && self.rest.is_none()
            && self.ring.as_ref().is_none_or(|ring| ring.is_empty());
        match &mut self.outlet {
            Outlet::Socket { socket, framing } if is_idle => Some((socket, *framing)),
            _ => None,
        }
    }

    /// A message of which the socket took the first `written_bytes`.
    pub(crate) fn keep_rest(&mut self, message: Message, written_bytes: usize, now_ms: u64) {
        self.progress_ms = now_ms;
        self.rest = Some(Rest { held: Held::new(message), written_bytes });
    }

    /// Lets `message` wait, under the policy if there is no room. `Err` is policy close.
    pub(crate) fn enqueue(
        &mut self,
        message: Message,
        config: &Config,
        busy: &mut Busy,
        now_ms: u64,
    ) -> Result<Fate, CloseReason> {
        if self.is_flushed() && !self.is_full {
            self.progress_ms = now_ms;
        }
        let policy = self.subscriber.policy;
        let ring = self.ring_or_new(config);
        let Err(message) = ring.push(message) else { return Ok(Fate::Queued) };
        if policy == Policy::DropOldest {
            let mut lost = 0;
            while !ring.has_room(message.bytes())
                && let Some(oldest) = ring.pop()
            {
                // A heartbeat makes room as well, and nobody misses it.
                lost += u64::from(oldest.id() != EventId::ZERO);
                busy.note(&oldest);
            }
            let pushed = ring.push(message);
            debug_assert!(pushed.is_ok(), "an empty ring takes any message");
            self.dropped += lost;
            return Ok(Fate::Queued);
        }
        self.dropped += 1;
        busy.note(&message);
        if policy == Policy::Close { Err(CloseReason::Busy) } else { Ok(Fate::Dropped) }
    }

    /// Leaves `message` to the journal, or drops it if no journal keeps it.
    pub(crate) fn skip(&mut self, message: &Message, config: &Config, busy: &mut Busy) -> Fate {
        if config.history && message.is_kept() {
            self.owed += u64::from(self.is_of_its_time(message));
            return Fate::Queued;
        }
        self.dropped += 1;
        busy.note(message);
        Fate::Dropped
    }

    /// Whether it was published while the connection was open: what is older was never due, only asked for.
    fn is_of_its_time(&self, message: &Message) -> bool {
        message.id() > self.subscriber.seen
    }

    /// It is live again: what the journal had not is lost.
    pub(crate) fn go_live(&mut self) {
        self.state = State::Live;
        self.dropped += std::mem::take(&mut self.owed);
    }

    /// Puts what the journal gave behind what waits, as far as there is room; the rest is read again.
    pub(crate) fn catch_up(&mut self, batch: Batch, config: &Config, now_ms: u64) {
        let State::CatchUp { mut cursor, .. } = self.state else { return };
        if self.is_flushed() && !self.is_full {
            self.progress_ms = now_ms;
        }
        let mut is_whole = true;
        for message in batch.messages {
            let (id, is_of_its_time) = (message.id(), self.is_of_its_time(&message));
            is_whole = self.ring_or_new(config).push(message).is_ok();
            if !is_whole {
                break;
            }
            self.owed = self.owed.saturating_sub(u64::from(is_of_its_time));
            cursor = id;
        }
        let cursor = if is_whole { batch.next } else { cursor };
        self.state = State::CatchUp { cursor, is_reading: false };
    }

    /// Lets go of what waits in the ring and leaves it to the journal; a partly written message stays.
    pub(crate) fn empty_into_catch_up(&mut self, config: &Config, busy: &mut Busy) {
        let mut emptied: Vec<_> = match (&self.outlet, &self.ring) {
            (Outlet::Body { port, .. }, _) => port.empty(),
            (_, Some(ring)) => std::iter::from_fn(|| ring.pop()).collect(),
            (_, None) => return,
        };
        emptied.retain(|message| message.id() != EventId::ZERO);
        let Some(first) = emptied.first() else { return };
        let cursor = first.id().before();
        match &mut self.state {
            State::Opening { resume } => *resume = Some(cursor),
            State::Live | State::CatchUp { .. } => self.state = State::CatchUp { cursor, is_reading: false },
            State::Closing(_) => {}
        }
        for message in &emptied {
            self.skip(message, config, busy);
        }
    }

    /// Gives the ring's memory back while it is empty.
    pub(crate) fn shrink(&mut self) {
        if self.ring.as_ref().is_some_and(|ring| ring.is_empty()) {
            self.ring = None;
        }
    }

    /// The outlet is there: what waited in the ring goes where the outlet takes it from.
    pub(crate) fn attach(&mut self, outlet: Outlet<S>, now_ms: u64) {
        self.outlet = outlet;
        self.progress_ms = now_ms;
        if let Outlet::Body { port, .. } = &self.outlet
            && let Some(ring) = self.ring.take()
        {
            while let Some(message) = ring.pop() {
                let pushed = port.ring().push(message);
                debug_assert!(pushed.is_ok(), "both rings have the same limits");
            }
            port.wake();
        }
        self.state = match self.state {
            State::Opening { resume: Some(cursor) } => State::CatchUp { cursor, is_reading: false },
            _ => State::Live,
        };
    }

    /// After what waits it gets a last `retry:` line and the end.
    pub(crate) fn begin_closing(&mut self, last: Message) {
        self.state = State::Closing(Closing { last: Some(last), told_ms: None });
    }

    /// Whether bytes wait and the outlet has taken none since the last look at `progress_ms`.
    pub(crate) fn is_stalled(&mut self, timeout_ms: u64, now_ms: u64) -> bool {
        if let Outlet::Body { port, taken } = &mut self.outlet {
            let taken_now = port.taken();
            if *taken != taken_now {
                *taken = taken_now;
                self.progress_ms = now_ms;
            }
        }
        (self.is_full || !self.is_flushed()) && now_ms.saturating_sub(self.progress_ms) >= timeout_ms
    }

    fn ring_or_new(&mut self, config: &Config) -> &Ring {
        match &self.outlet {
            Outlet::Body { port, .. } => port.ring(),
            _ => self.ring.get_or_insert_with(|| Box::new(Ring::new(config.ring_messages_max, config.ring_bytes_max))),
        }
    }
}
