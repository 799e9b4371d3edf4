//! The writes of a slot, vectored to a socket or through a body's port, and the end of its stream. A message that was begun is
//! finished before anything else is written.

use std::{
    io::{self, IoSlice},
    mem,
    sync::Arc,
    task::Poll,
};

use crate::{
    event::{
        budget::RingBudget, charged::Charged, event_id::EventId, fanned::Fanned, gap::Gap, message::Message,
        notice::CloseReason,
    },
    queue::outlet::{Framing, Outlet, Socket},
    shard::{
        ledger::Ledger,
        slot::Slot,
        state::{Closing, GoesOn, Rest, State},
    },
};

/// The most buffers one vectored write may have (IOV_MAX is 1,024 on Linux).
const PARTS_MAX: usize = 256;

/// The buffers that most writes need. Making room for all [`PARTS_MAX`] costs more than a small write.
const PARTS_FEW: usize = 16;

impl<S: Socket> Slot<S> {
    /// Writes as much as the socket takes. A body is woken instead.
    ///
    /// # Errors
    /// The socket is broken.
    pub(crate) fn flush(
        &mut self,
        scratch: &mut Vec<Charged>,
        budget: &Arc<RingBudget>,
        ledger: &mut Ledger,
        now_ms: u64,
    ) -> GoesOn {
        loop {
            match &self.outlet {
                Outlet::Unattached => return Ok(()),
                Outlet::Body { port, .. } => {
                    port.wake();
                    return self.end_body(now_ms);
                }
                Outlet::Socket { .. } => {}
            }
            if self.rest.is_none() && !self.is_front_empty() {
                let gaps = Message::gaps(self.take_front(), Arc::clone(budget));
                self.rest = Some(Rest::of(gaps));
            }
            if self.is_flushed() && !self.take_last(now_ms) {
                return Ok(());
            }
            if self.write_waiting(scratch, ledger, now_ms)?.is_pending() {
                return Ok(());
            }
        }
    }

    /// The gaps that go before the ring. They are in the next line.
    fn take_front(&mut self) -> &[Gap] {
        self.setbacks.as_mut().map(|setbacks| setbacks.losses.take_front()).unwrap_or_default()
    }

    /// Has this line written next. It tells no gap.
    fn write_next(&mut self, line: Message) {
        if let Some(setbacks) = &mut self.setbacks {
            setbacks.losses.forget_line();
        }
        self.rest = Some(Rest::of(line));
    }

    /// Begins the end: behind the messages that wait come a last `retry:` line and the end of the stream.
    pub(crate) fn begin_closing(&mut self, last: Message, reason: CloseReason) {
        self.state = State::Closing(Box::new(Closing { last: Some(last), after: self.seen, out_ms: None }));
        self.end_reason = reason;
    }

    /// Makes the last line of a closing slot the next to be written; false if there is none left.
    fn take_last(&mut self, now_ms: u64) -> bool {
        let State::Closing(closing) = &mut self.state else { return false };
        if let Some(last) = closing.last.take() {
            self.write_next(last);
            return true;
        }
        if closing.out_ms.is_none() {
            closing.out_ms = Some(now_ms);
            if let Outlet::Socket { socket, .. } = &mut self.outlet {
                socket.shut_write();
            }
        }
        false
    }

    /// Ends a closing body: it gets its last line once its ring has room.
    fn end_body(&mut self, now_ms: u64) -> GoesOn {
        let (State::Closing(closing), Outlet::Body { port, .. }) = (&mut self.state, &self.outlet) else {
            return Ok(());
        };
        let Some(last) = &closing.last else { return Ok(()) };
        if port.ring().push(last.clone()).is_ok() {
            closing.last = None;
            closing.out_ms = Some(now_ms);
            port.end();
        } else if port.want_empty() {
            // Emptied between the two looks.
            return self.end_body(now_ms);
        }
        Ok(())
    }

    /// One vectored write of everything that waits.
    fn write_waiting(
        &mut self,
        scratch: &mut Vec<Charged>,
        ledger: &mut Ledger,
        now_ms: u64,
    ) -> Result<Poll<()>, CloseReason> {
        let is_front_empty = self.is_front_empty();
        let Outlet::Socket { socket, framing } = &mut self.outlet else { return Ok(Poll::Pending) };
        debug_assert!(scratch.is_empty(), "nothing of another slot is left");
        let mut skip = 0;
        let mut is_first_begun = false;
        if let Some(rest) = self.rest.take() {
            skip = rest.written_bytes;
            is_first_begun = true;
            scratch.push(rest.charged);
        }
        // Gaps go before the ring, and can only follow the rest.
        if let Some(ring) = self.ring.as_ref().filter(|_| is_front_empty) {
            scratch.extend(std::iter::from_fn(|| ring.pop_charged()));
        }
        let outcome = if scratch.len() <= PARTS_FEW {
            write::<PARTS_FEW>(socket, *framing, scratch, skip)
        } else {
            write::<PARTS_MAX>(socket, *framing, scratch, skip)
        };
        let (mut taken, ended) = match outcome {
            Poll::Ready(Ok(bytes)) if bytes > 0 => {
                self.progress_ms = now_ms;
                self.is_full = false;
                (bytes + skip, Ok(Poll::Ready(())))
            }
            // What was not written stays, for whoever asks what became of it.
            Poll::Ready(_) => (skip, Err(CloseReason::ClientGone)),
            Poll::Pending => {
                self.is_full = true;
                (skip, Ok(Poll::Pending))
            }
        };
        // What the stream asked for from before it opened has not been on its way since it was published.
        let (opened, mut stamp, mut written) = (self.subscriber.opened, 0, 0);
        for charged in scratch.drain(..) {
            let bytes = framing.of(charged.message()).len();
            if taken >= bytes {
                taken -= bytes;
                // Control lines do not count as messages.
                if charged.message().id() != EventId::ZERO {
                    self.account.written += 1;
                    if charged.message().id() > opened {
                        stamp = if written == 0 { charged.message().stamp() } else { stamp };
                        written += 1;
                    }
                    ledger.totals.count_written(1, charged.message().bytes());
                }
            } else if taken > 0 || is_first_begun {
                self.rest = Some(Rest { charged, written_bytes: mem::take(&mut taken) });
            } else if let Some(ring) = &self.ring {
                ring.put_back(charged);
            }
            is_first_begun = false;
        }
        ledger.note_fanned(Fanned { stamp, written, is_last: false });
        ended
    }

    /// Sends a line that shows that the stream is alive. Nothing else waits.
    pub(crate) fn heartbeat(
        &mut self,
        line: Message,
        scratch: &mut Vec<Charged>,
        budget: &Arc<RingBudget>,
        ledger: &mut Ledger,
        now_ms: u64,
    ) -> GoesOn {
        self.progress_ms = now_ms;
        if let Outlet::Body { port, .. } = &self.outlet {
            let pushed = port.ring().push(line);
            debug_assert!(pushed.is_ok(), "an empty ring takes any message");
            port.wake();
            return Ok(());
        }
        self.write_next(line);
        self.flush(scratch, budget, ledger, now_ms)
    }
}

/// One write of the first `PARTS` of `messages`, but for the first `skip` bytes of the first.
fn write<const PARTS: usize>(
    socket: &mut impl Socket,
    framing: Framing,
    messages: &[Charged],
    mut skip: usize,
) -> Poll<io::Result<usize>> {
    let mut parts = [IoSlice::new(&[]); PARTS];
    for (part, charged) in parts.iter_mut().zip(messages) {
        *part = IoSlice::new(&framing.of(charged.message())[mem::take(&mut skip)..]);
    }
    socket.poll_write(&parts[..messages.len().min(PARTS)])
}
