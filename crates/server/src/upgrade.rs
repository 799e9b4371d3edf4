//! An upgrade: a new process of the same command takes the listening sockets over, and the old one drains and ends. No connection is
//! refused meanwhile, because the sockets are never closed.
//!
//! - `wire`: what the two say to each other, over a socket that is the standard input of the new one.
//! - `successor`: the new process, as the old one sees it. `predecessor`: the old process, as the new one sees it.
//! - `asking`: SIGUSR2, which asks for an upgrade. `leaving`: how the old one stops accepting.
//! - `outcome`: what whoever has asked is told. `command`: `fanfare upgrade`.
//!
//! # The order
//!
//! 1. The old one starts the new one, and passes the sockets on.
//! 2. The new one reads its settings and all files, and says `prepared`.
//! 3. Without a journal the old one says `go` at once. With one it drains first: a journal has one owner.
//! 4. The new one starts its engine, and says `ready`.
//! 5. The old one says `serve`. Without a journal it drains now. Then it ends.
//!
//! Up to step 5 a fault ends the new one, and the old one serves as before; if it has drained, it starts its engine again. A new one whose
//! old one is gone before step 5 ends too.

mod asking;
pub(crate) mod command;
mod leaving;
mod outcome;
mod predecessor;
mod successor;
mod wire;

pub(crate) use self::{
    asking::{Asking, called_off, done, failed, let_go},
    leaving::Leaving,
    predecessor::Predecessor,
    successor::Start,
};
