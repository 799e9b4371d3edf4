//! The seam for a journal outside of this process's memory: a disk, or a store that several nodes share.
//!
//! # Who calls what, and when
//!
//! - [`Hub::behind_journal`](crate::engine::Hub::behind_journal) makes a hub that gives no ids itself.
//!   [`Hub::desk`](crate::engine::Hub::desk) is its [`Desk`], the only thing of it that a journal sees.
//! - [`Journal::restore`] is called once, before there are publishers. The journal gives back what it has kept
//!   ([`Desk::restore`], in the order of ids) and what it knows of its past ([`Desk::restore_past`]).
//! - [`Journal::run`] is called once, on a thread of its own. It loops: [`Desk::take`] gives it the submissions that wait, and
//!   [`Desk::settle`] takes back what became of them, in the journal's order. It returns once [`Desk::is_closed`].
//! - [`Hub::journal_ended`](crate::engine::Hub::journal_ended) is called behind it, also after a panic: publishers then stop
//!   waiting.
//! - A journal that keeps events for as long as the history does asks for that ([`Desk::oldest`], [`Desk::holds`]). One that cannot
//!   take events says why ([`Desk::set_trouble`]).
//!
//! # Example
//!
//! A journal that gives ids and keeps nothing:
//!
//! ```
//! use std::{
//!     io,
//!     sync::Arc,
//!     task::{Context, Poll, Wake, Waker},
//!     thread::{self, Thread},
//! };
//!
//! use fanfare_core::{Config, Event, EventId, Target, Wait, engine::Hub, journal::{Desk, Journal, Past, Settled}};
//!
//! struct Forgetful {
//!     last_ms: u64,
//! }
//!
//! impl Journal for Forgetful {
//!     fn restore(&mut self, desk: &dyn Desk) -> io::Result<()> {
//!         desk.restore_past(Past::default());
//!         Ok(())
//!     }
//!
//!     fn run(mut self: Box<Self>, desk: &dyn Desk) -> io::Result<()> {
//!         let waker = Waker::from(Arc::new(Unpark(thread::current())));
//!         let (mut group, cx) = (Vec::new(), Context::from_waker(&waker));
//!         loop {
//!             desk.take(&mut group, &cx);
//!             if group.is_empty() {
//!                 if desk.is_closed() {
//!                     return Ok(());
//!                 }
//!                 thread::park();
//!             }
//!             // Here a journal makes the events safe.
//!             let own = group.drain(..).map(|submission| {
//!                 self.last_ms += 1;
//!                 Settled::Own(EventId::new(self.last_ms, 0), submission)
//!             });
//!             desk.settle(&mut own.collect(), &cx);
//!         }
//!     }
//! }
//!
//! struct Unpark(Thread);
//!
//! impl Wake for Unpark {
//!     fn wake(self: Arc<Self>) {
//!         self.0.unpark();
//!     }
//! }
//! # struct NoSocket;
//! # impl fanfare_core::engine::Socket for NoSocket {
//! #     fn poll_write(&mut self, _: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> { Poll::Pending }
//! #     fn poll_discard(&mut self) -> Poll<io::Result<usize>> { Poll::Pending }
//! #     fn shut_write(&mut self) {}
//! # }
//! # fn block_on<T>(future: impl Future<Output = T>) -> T {
//! #     let (mut future, waker) = (Box::pin(future), Waker::from(Arc::new(Unpark(thread::current()))));
//! #     loop {
//! #         if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) { return value }
//! #         thread::park();
//! #     }
//! # }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (hub, _shards) = Hub::<NoSocket>::behind_journal(Config::default(), Box::new(|| 0));
//! let mut journal = Box::new(Forgetful { last_ms: 7 });
//! journal.restore(hub.desk())?;
//! let receipt = thread::scope(|scope| {
//!     let running = scope.spawn(|| journal.run(hub.desk()));
//!     let receipt = block_on(hub.publish(Event::new(Target::All, "hello"), Wait::Journal));
//!     hub.drain();
//!     running.join().unwrap()?;
//!     Ok::<_, Box<dyn std::error::Error>>(receipt?)
//! })?;
//! assert_eq!(receipt.id, EventId::new(8, 0));
//! # Ok(())
//! # }
//! ```

pub use crate::{
    history::past::Past,
    order::{
        answer::Refusal,
        claim::Claim,
        journal::{Desk, Holds, Journal, Kept, KeptKey, Oldest, Settled},
        submission::Submission,
        ticket::Delay,
    },
};
