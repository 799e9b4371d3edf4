//! [`Feed`]: the body's end of a stream, and [`Outgoing`]: a message that the body has taken and whose bytes have not all left.
//!
//! Leaving is dropping: a dropped feed leaves the hub.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use crate::{
    event::{
        budget::RingBudget,
        event_id::EventId,
        gap::Gap,
        message::{Held, Message},
    },
    queue::{
        inbox::{Inbox, SlotRef},
        port::{Cut, Port, Taken},
        slot_guard::SlotGuard,
    },
    sync::{AtomicBool, Ordering},
};

/// What a stream tells a receiver in this process.
#[derive(Clone, Debug)]
pub enum Told {
    /// An event.
    Event(Message),
    /// What it has lost, at least one.
    Gaps(Vec<Gap>),
}

/// The body's end of a stream. Dropping it is how its client leaves.
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

    /// The next message; `None` at the end of the stream.
    ///
    /// # Errors
    /// [`Cut`] if the stream has to end in the middle.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Outgoing<S>, Cut>>> {
        self.port.poll_take(cx).map_ok(|taken| match taken {
            Taken::Message(held) => self.took(held),
            Taken::Gaps(gaps) => self.took(self.in_message(&gaps)),
        })
    }

    /// The next event or gap, for a receiver in this process; `None` at the end of the stream. What only keeps a connection
    /// alive is left out.
    ///
    /// # Errors
    /// [`Cut`] if the stream has to end in the middle.
    pub fn poll_told(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Told, Cut>>> {
        loop {
            let Some(taken) = ready!(self.port.poll_take(cx)?) else { return Poll::Ready(None) };
            match taken {
                Taken::Message(held) => {
                    let message = self.took(held).whole();
                    if message.id() != EventId::ZERO {
                        return Poll::Ready(Some(Ok(Told::Event(message))));
                    }
                }
                Taken::Gaps(gaps) => {
                    // It counts as a message, as for a body.
                    self.took(self.in_message(&gaps)).finish();
                    return Poll::Ready(Some(Ok(Told::Gaps(gaps))));
                }
            }
        }
    }

    fn in_message(&self, gaps: &[Gap]) -> Held {
        Held::new(Message::gaps(gaps, Arc::clone(&self.budget)))
    }

    fn took(&self, held: Held) -> Outgoing<S> {
        let (port, inbox, slot) = (Arc::clone(&self.port), Arc::clone(self.guard.inbox()), self.guard.slot());
        port.begin_to_leave(held.message().bytes());
        Outgoing { held, port, inbox, slot, is_whole: AtomicBool::new(false) }
    }

    /// A handle that becomes ready when the stream is cut.
    pub fn cut_signal(&self) -> CutSignal {
        CutSignal(Arc::clone(&self.port))
    }
}

/// A message that a body has taken. It counts as waiting until it is dropped, which is when the last of its bytes have left.
#[derive(Debug)]
pub struct Outgoing<S> {
    held: Held,
    port: Arc<Port>,
    inbox: Arc<Inbox<S>>,
    slot: SlotRef,
    is_whole: AtomicBool,
}

impl<S> Outgoing<S> {
    /// The message itself.
    pub fn message(&self) -> &Message {
        self.held.message()
    }

    /// Some of its bytes have left: the connection is alive.
    pub fn progress(&self) {
        self.port.progress();
    }

    /// All of its bytes have left. Dropped without this, it was thrown away.
    pub fn finish(&self) {
        // Relaxed: whoever drops it comes after whoever says this.
        self.is_whole.store(true, Ordering::Relaxed);
    }

    /// All of its bytes leave now.
    pub fn whole(self) -> Message {
        self.finish();
        self.message().clone()
    }
}

impl<S> Drop for Outgoing<S> {
    fn drop(&mut self) {
        let Self { held, port, inbox, slot, is_whole } = self;
        let is_written = is_whole.load(Ordering::Relaxed) && held.message().id() != EventId::ZERO;
        if port.end_to_leave(held.message().bytes(), is_written) {
            inbox.ready(*slot);
        }
    }
}

/// Tells the owner of a connection that its stream was cut, also while hyper does not poll the body.
#[derive(Debug)]
pub struct CutSignal(Arc<Port>);

impl CutSignal {
    /// Ready once the stream is cut.
    pub fn poll_cut(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_cut(cx)
    }
}
