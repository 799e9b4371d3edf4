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
        if port.end_to_leave(charged.message().bytes(), is_written) {
            inbox.wake_slot(*slot);
        }
    }
}
