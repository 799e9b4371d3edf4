//! [`Slot`]: the engine's record of one connection: its state, its ring and where its bytes leave.
//!
//! Only its shard touches it. Whatever happens, a message that was begun is finished first, whole.

use std::{io::IoSlice, task::Poll};

use crate::{
    busy::Busy,
    config::Config,
    event_id::EventId,
    message::{Held, Message},
    notice::CloseReason,
    outlet::{Framing, Outlet, Socket},
    policy::Policy,
    ring::Ring,
    subscription::Subscriber,
};

/// The most buffers one vectored write may have (IOV_MAX is 1,024 on Linux).
const PARTS_MAX: usize = 256;

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
    pub(crate) written: u64,
    pub(crate) dropped: u64,
    pub(crate) input_bytes: usize,
    pub(crate) subscriber: Box<Subscriber>,
}

impl<S: Socket> Slot<S> {
    pub(crate) fn new(connection: u64, subscriber: Box<Subscriber>) -> Self {
        Self {
            connection,
            seen: subscriber.seen,
            state: State::Opening { resume: subscriber.resume },
            outlet: Outlet::Unattached,
            rest: None,
            ring: None,
            progress_ms: subscriber.opened_ms,
            is_full: false,
            written: 0,
            dropped: 0,
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

    /// Bytes that wait in its ring.
    pub(crate) fn waiting_bytes(&self) -> usize {
        match &self.outlet {
            Outlet::Body { port, .. } => port.ring().bytes(),
            _ => self.ring.as_ref().map_or(0, |ring| ring.bytes()),
        }
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

    /// Puts a message from the journal behind what waits; false if there is no room.
    pub(crate) fn feed(&mut self, message: Message, config: &Config, now_ms: u64) -> bool {
        if self.is_flushed() && !self.is_full {
            self.progress_ms = now_ms;
        }
        self.ring_or_new(config).push(message).is_ok()
    }

    /// Lets go of what waits in the ring and has the journal give it again; a partly written message stays.
    /// Returns what it let go of.
    pub(crate) fn empty_into_catch_up(&mut self) -> Vec<Message> {
        let mut emptied: Vec<_> = match (&self.outlet, &self.ring) {
            (Outlet::Body { port, .. }, _) => port.empty(),
            (_, Some(ring)) => std::iter::from_fn(|| ring.pop()).collect(),
            (_, None) => return Vec::new(),
        };
        emptied.retain(|message| message.id() != EventId::ZERO);
        if let Some(first) = emptied.first() {
            let cursor = first.id().before();
            match &mut self.state {
                State::Opening { resume } => *resume = Some(cursor),
                State::Live | State::CatchUp { .. } => self.state = State::CatchUp { cursor, is_reading: false },
                State::Closing(_) => {}
            }
        }
        emptied
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

    /// Writes what waits, as far as the socket takes it. A body is woken instead.
    ///
    /// # Errors
    /// The socket is broken.
    pub(crate) fn flush(&mut self, scratch: &mut Vec<Held>, now_ms: u64) -> Ends {
        loop {
            match &self.outlet {
                Outlet::Unattached => return Ok(()),
                Outlet::Body { port, .. } => {
                    port.wake();
                    return self.end_body(now_ms);
                }
                Outlet::Socket { .. } => {}
            }
            if self.is_flushed() && !self.take_last(now_ms) {
                return Ok(());
            }
            if self.write_waiting(scratch, now_ms)?.is_pending() {
                return Ok(());
            }
        }
    }

    /// Turns the last line of a closing slot into what is to be written next; false if there is none left.
    fn take_last(&mut self, now_ms: u64) -> bool {
        let State::Closing(closing) = &mut self.state else { return false };
        if let Some(last) = closing.last.take() {
            self.rest = Some(Rest { held: Held::new(last), written_bytes: 0 });
            return true;
        }
        if closing.told_ms.is_none() {
            closing.told_ms = Some(now_ms);
            if let Outlet::Socket { socket, .. } = &mut self.outlet {
                socket.shut_write();
            }
        }
        false
    }

    /// A closing body gets its last line once its ring has room, and ends behind it.
    fn end_body(&mut self, now_ms: u64) -> Ends {
        let (State::Closing(closing), Outlet::Body { port, .. }) = (&mut self.state, &self.outlet) else {
            return Ok(());
        };
        let Some(last) = &closing.last else { return Ok(()) };
        if port.ring().push(last.clone()).is_ok() {
            closing.last = None;
            closing.told_ms = Some(now_ms);
            port.end();
        } else if port.want_empty() {
            // Emptied between the two looks.
            return self.end_body(now_ms);
        }
        Ok(())
    }

    /// One vectored write of everything that waits.
    fn write_waiting(&mut self, scratch: &mut Vec<Held>, now_ms: u64) -> Result<Poll<()>, CloseReason> {
        let Outlet::Socket { socket, framing } = &mut self.outlet else { return Ok(Poll::Pending) };
        debug_assert!(scratch.is_empty(), "nothing of another slot is left");
        let mut skip = 0;
        let mut is_first_begun = false;
        if let Some(rest) = self.rest.take() {
            skip = rest.written_bytes;
            is_first_begun = true;
            scratch.push(rest.held);
        }
        if let Some(ring) = &self.ring {
            scratch.extend(std::iter::from_fn(|| ring.pop_held()));
        }
        let mut parts = [IoSlice::new(&[]); PARTS_MAX];
        let mut skip_first = skip;
        for (part, held) in parts.iter_mut().zip(scratch.iter()) {
            *part = IoSlice::new(&framing.of(held.message())[skip_first..]);
            skip_first = 0;
        }
        let count = scratch.len().min(PARTS_MAX);
        let outcome = socket.poll_write(&parts[..count]);
        let (mut taken, answer) = match outcome {
            Poll::Ready(Ok(bytes)) if bytes > 0 => {
                self.progress_ms = now_ms;
                self.is_full = false;
                (bytes + skip, Poll::Ready(()))
            }
            Poll::Ready(_) => {
                scratch.clear();
                return Err(CloseReason::ClientGone);
            }
            Poll::Pending => {
                self.is_full = true;
                (skip, Poll::Pending)
            }
        };
        for held in scratch.drain(..) {
            let bytes = framing.of(held.message()).len();
            if taken >= bytes {
                taken -= bytes;
                // Control lines are not messages that anybody waits for.
                self.written += u64::from(held.message().id() != EventId::ZERO);
            } else if taken > 0 || is_first_begun {
                self.rest = Some(Rest { held, written_bytes: std::mem::take(&mut taken) });
            } else if let Some(ring) = &self.ring {
                ring.put_back(held);
            }
            is_first_begun = false;
        }
        Ok(answer)
    }

    /// A comment line, if nothing waits that would say as much.
    pub(crate) fn heartbeat(&mut self, heartbeat: &Message, scratch: &mut Vec<Held>, now_ms: u64) -> Ends {
        self.progress_ms = now_ms;
        if let Outlet::Body { port, .. } = &self.outlet {
            // A ring that is full has more to say than this.
            let _ = port.ring().push(heartbeat.clone());
            port.wake();
            return Ok(());
        }
        self.rest = Some(Rest { held: Held::new(heartbeat.clone()), written_bytes: 0 });
        self.flush(scratch, now_ms)
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
