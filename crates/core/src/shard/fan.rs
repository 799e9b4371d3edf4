//! [`Fan`]: gives one slot its messages of a pass. The hot place of the engine.
//!
//! An idle socket is written to at once. Everything else goes into the ring.

use std::{sync::Arc, task::Poll};

use crate::{
    config::Config,
    event::{account::Fate, budget::RingBudget, charged::Charged, message::Message, notice::CloseReason},
    queue::{
        outlet::{Outlet, Socket},
        subscriber::Form,
    },
    shard::{
        ledger::Ledger,
        pass::{Pass, Run, bits},
        slot::Slot,
        state::{GoesOn, State},
    },
};

/// All that a delivery needs besides the slot.
pub(crate) struct Fan<'a> {
    pub(crate) config: &'a Config,
    pub(crate) messages: &'a [Message],
    pub(crate) pass: &'a mut Pass,
    pub(super) ledger: &'a mut Ledger,
    pub(crate) budget: &'a Arc<RingBudget>,
    pub(crate) scratch: &'a mut Vec<Charged>,
    pub(crate) now_ms: u64,
    /// Set when a message had to wait.
    pub(crate) queued: bool,
}

impl Fan<'_> {
    /// Gives `slot` the messages in `due`.
    ///
    /// # Errors
    /// The connection is over.
    pub(crate) fn deliver<S: Socket>(&mut self, slot: &mut Slot<S>, due: u64, run: &mut Run<'_>) -> GoesOn {
        if due == 0 || slot.is_closing() {
            return Ok(());
        }
        slot.count_matched(due.count_ones());
        match slot.form() {
            Form::Plain => self.give::<S, false>(slot, due, run),
            Form::Envelope => self.give_enveloped(slot, due),
        }
    }

    /// Gives `slot` envelopes instead of the messages.
    fn give_enveloped<S: Socket>(&mut self, slot: &mut Slot<S>, due: u64) -> GoesOn {
        let view = self.pass.view(self.messages, due, slot.subscriber());
        let mut fan = Fan {
            config: self.config,
            messages: &view,
            pass: self.pass,
            ledger: self.ledger,
            budget: self.budget,
            scratch: self.scratch,
            now_ms: self.now_ms,
            queued: false,
        };
        let ends = fan.give::<S, true>(slot, due, &mut Run::in_envelopes(&view, self.messages));
        let is_queued = fan.queued;
        self.queued |= is_queued;
        self.pass.give_view_back(view);
        ends
    }

    // The two callers are in the loop of a pass: a call would be a tenth of the instructions of a delivery to an idle socket.
    #[inline(always)]
    fn give<S: Socket, const IN_ENVELOPES: bool>(&mut self, slot: &mut Slot<S>, due: u64, run: &mut Run<'_>) -> GoesOn {
        if let Some((socket, framing)) = slot.idle_socket() {
            let (parts, bytes) = run.parts(due, framing);
            return match socket.poll_write(parts) {
                Poll::Ready(Ok(taken)) if taken == bytes => {
                    slot.count_written(due.count_ones(), run.newest(), self.now_ms);
                    self.pass.count_written(due);
                    if IN_ENVELOPES {
                        bits(due).for_each(|bit| self.count_envelope(bit, run));
                    }
                    Ok(())
                }
                Poll::Ready(Ok(taken)) if taken > 0 => self.partly(slot, due, taken, run),
                Poll::Ready(_) => Err(self.give_up(due, CloseReason::ClientGone)),
                Poll::Pending => {
                    // The start of the write timeout is set before the socket counts as full.
                    let queued = self.queue(slot, due);
                    slot.fill();
                    queued
                }
            };
        }
        match slot.state() {
            State::CatchUp(_) | State::Dropping => {
                self.skip(slot, due);
                Ok(())
            }
            State::Closing(_) => Ok(()),
            State::Live => self.queue(slot, due),
        }
    }

    /// Goes on behind the first `taken` bytes of the messages in `due`: the socket is full.
    #[cold]
    #[inline(never)]
    fn partly<S: Socket>(&mut self, slot: &mut Slot<S>, due: u64, mut taken: usize, run: &Run<'_>) -> GoesOn {
        let Outlet::Socket { framing, .. } = slot.outlet() else { return Ok(()) };
        let framing = *framing;
        let mut left = due;
        for bit in bits(due) {
            let message = &self.messages[bit];
            let bytes = framing.of(message).len();
            if taken >= bytes {
                taken -= bytes;
                slot.count_written(1, message.id(), self.now_ms);
                self.pass.count(bit, Fate::Written);
                self.count_envelope(bit, run);
            } else if taken > 0 {
                slot.keep_rest(message.clone(), taken, self.ledger, self.now_ms);
                self.pass.count(bit, Fate::Queued);
                taken = 0;
            } else {
                break;
            }
            left &= left - 1;
        }
        self.queue(slot, left)?;
        // Until the write is pending, so that the socket says when there is room.
        let goes_on = slot.flush(self.scratch, self.budget, self.ledger, self.now_ms);
        if slot.is_flushed() {
            slot.note_emptied(self.now_ms);
        }
        goes_on
    }

    /// Counts a message that the socket took whole, if it is an envelope.
    fn count_envelope(&mut self, bit: usize, run: &Run<'_>) {
        if let Some(events) = run.events() {
            self.pass.count_envelope(&events[bit], &self.messages[bit]);
        }
    }

    /// Counts a message that ends its connection for want of room, and those behind it.
    #[cold]
    #[inline(never)]
    fn end_at(&mut self, bit: usize, behind: u64, reason: CloseReason) -> CloseReason {
        match self.messages[bit].is_kept() {
            true => self.pass.count_given_up(bit),
            false => self.pass.count(bit, Fate::Lost { is_busy: true }),
        }
        self.give_up(behind, reason)
    }

    /// Counts messages that were for a connection and go nowhere, because it is over.
    #[cold]
    #[inline(never)]
    fn give_up(&mut self, due: u64, reason: CloseReason) -> CloseReason {
        self.ledger.totals.matched += u64::from(due.count_ones());
        reason
    }

    fn skip<S: Socket>(&mut self, slot: &mut Slot<S>, due: u64) {
        for bit in bits(due) {
            let fate = slot.skip(&self.messages[bit], self.ledger);
            self.pass.count(bit, fate);
        }
    }

    fn queue<S: Socket>(&mut self, slot: &mut Slot<S>, mut due: u64) -> GoesOn {
        self.queued = true;
        while due != 0 && matches!(slot.state(), State::Live) {
            let bit = due.trailing_zeros() as usize;
            due &= due - 1;
            let fate = slot.enqueue(&self.messages[bit], self.config, self.ledger, self.now_ms);
            match fate {
                Ok(fate) => self.pass.count(bit, fate),
                Err(reason) => return Err(self.end_at(bit, due, reason)),
            }
        }
        self.skip(slot, due);
        if let Outlet::Body { port, .. } = slot.outlet() {
            port.wake();
        }
        Ok(())
    }
}
