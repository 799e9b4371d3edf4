//! [`Feed`]: the receiving end of a stream, for a response body or a receiver in this process. [`Outgoing`]: a message that was
//! taken from it and whose bytes have not all left.
//!
//! A client leaves when its feed is dropped.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use crate::{
    event::{budget::RingBudget, charged::Charged, event_id::EventId, gap::Gap, message::Message},
    queue::{
        inbox::{Inbox, SlotRef},
        port::{Cut, Port, Taken},
        slot_guard::SlotGuard,
    },
    sync::{AtomicBool, Ordering},
};

/// News of a stream, for a receiver in this process.
#[derive(Clone, Debug)]
pub enum Told {
    /// An event.
    Event(Message),
    /// Events that the stream has lost, at least one gap.
    Gaps(Vec<Gap>),
}

/// The receiving end of a stream. The client leaves when it is dropped.
///
/// ```
/// use std::task::{Context, Poll, Waker};
///
/// use fanfare_core::{
///     ClientId, Config, Event, Form, Heartbeat, Policy, Start, Target, Told, Wait,
///     engine::{Hub, Life, Subscribe, Turn},
/// };
///
/// # struct NoSocket;
/// # impl fanfare_core::engine::Socket for NoSocket {
/// #     fn poll_write(&mut self, _: &[std::io::IoSlice<'_>]) -> Poll<std::io::Result<usize>> { Poll::Pending }
/// #     fn poll_discard(&mut self) -> Poll<std::io::Result<usize>> { Poll::Pending }
/// #     fn shut_write(&mut self) {}
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (hub, mut shards) = Hub::<NoSocket>::new(Config { shards: 1, ..Config::default() }, Box::new(|| 1_000));
/// # let mut cx = Context::from_waker(Waker::noop());
/// # let subscribe = Subscribe {
/// #     client: ClientId::new("42")?, channels: Vec::new(), patterns: Vec::new(), start: Start::Now, policy: Policy::Repair,
/// #     heartbeat: Heartbeat::Comment, form: Form::Plain, shard: 0, now_ms: 0, expires_ms: None, catching_up: None, held: None,
/// # };
/// let life = Life::default();
/// let mut feed = hub.subscribe(subscribe)?.into_feed(life.clone());
/// # {
/// # let mut publish = std::pin::pin!(hub.publish(Event::new(Target::All, "hello"), Wait::Journal));
/// # assert!(publish.as_mut().poll(&mut cx).is_ready());
/// # }
/// // "hello" was published to all.
/// while shards[0].turn(0) == Turn::More {}
/// let Poll::Ready(Some(Ok(Told::Event(message)))) = feed.poll_told(&mut cx) else { panic!("no event") };
/// assert_eq!(message.fields().data, "hello");
///
/// // The life ends although nobody polls the feed.
/// shards[0].cut(0);
/// assert!(life.has_ended());
/// assert!(matches!(feed.poll_told(&mut cx), Poll::Ready(Some(Err(_)))), "the stream must not look whole");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Feed<S> {
    port: Arc<Port>,
    guard: SlotGuard<S>,
    budget: Arc<RingBudget>,
}

impl<S> Feed<S> {
    pub(crate) fn new(port: Arc<Port>, guard: SlotGuard<S>, budget: Arc<RingBudget>) -> Self {
        Self { port, guard, budget }
    }

    /// Takes the next message. `None` at the end of the stream.
    ///
    /// [`Feed`] has an example.
    ///
    /// # Errors
    /// [`Cut`] if the stream has to end in the middle.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Outgoing<S>, Cut>>> {
        self.port.poll_take(cx).map_ok(|taken| match taken {
            Taken::Message(charged) => self.took(charged),
            Taken::Gaps(gaps) => self.took(self.in_message(&gaps)),
        })
    }

    /// Takes the next event or gap, for a receiver in this process. `None` at the end of the stream. Control lines such as
    /// heartbeats are left out.
    ///
    /// # Errors
    /// [`Cut`] if the stream has to end in the middle.
    pub fn poll_told(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Told, Cut>>> {
        loop {
            let Some(taken) = ready!(self.port.poll_take(cx)?) else { return Poll::Ready(None) };
            match taken {
                Taken::Message(charged) => {
                    let message = self.took(charged).whole();
                    if message.id() != EventId::ZERO {
                        return Poll::Ready(Some(Ok(Told::Event(message))));
                    }
                }
                Taken::Gaps(gaps) => {
                    // The gaps count as a message, as for a body.
                    self.took(self.in_message(&gaps)).finish();
                    return Poll::Ready(Some(Ok(Told::Gaps(gaps))));
                }
            }
        }
    }

    fn in_message(&self, gaps: &[Gap]) -> Charged {
        Charged::new(Message::gaps(gaps, Arc::clone(&self.budget)))
    }

    fn took(&self, charged: Charged) -> Outgoing<S> {
        let (port, inbox, slot) = (Arc::clone(&self.port), Arc::clone(self.guard.inbox()), self.guard.slot());
        port.begin_to_leave(charged.message().bytes());
        Outgoing { charged, port, inbox, slot, is_whole: AtomicBool::new(false) }
    }
}

/// A message that a body has taken. Counts as waiting until it is dropped, once the last of its bytes have left.
#[derive(Debug)]
pub struct Outgoing<S> {
    charged: Charged,
    port: Arc<Port>,
    inbox: Arc<Inbox<S>>,
    slot: SlotRef,
    is_whole: AtomicBool,
}

impl<S> Outgoing<S> {
    /// The message itself.
    pub fn message(&self) -> &Message {
        self.charged.message()
    }

    /// Notes that some bytes have left: the connection is alive.
    pub fn progress(&self) {
        self.port.progress();
    }

    /// Notes that all bytes have left. Without this note, the message counts as thrown away when it is dropped.
    pub fn finish(&self) {
        // Relaxed: the drop comes after this call.
        self.is_whole.store(true, Ordering::Relaxed);
    }

    /// Takes the message out, which counts as written.
    pub fn whole(self) -> Message {
        self.finish();
        self.message().clone()
    }
}

impl<S> Drop for Outgoing<S> {
    fn drop(&mut self) {
        let Self { charged, port, inbox, slot, is_whole } = self;
        let is_written = is_whole.load(Ordering::Relaxed) && charged.message().id() != EventId::ZERO;
        if is_written {
            inbox.figures().count_body(charged.message().bytes());
        }
        if port.end_to_leave(charged.message().bytes(), is_written) {
            inbox.wake_slot(*slot);
        }
    }
}
