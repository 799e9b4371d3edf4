//! [`Shared`]: the common state of one receiving thread's subscribers.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use tokio::sync::{Semaphore, watch};

use crate::crowd::live::Live;
use crate::crowd::notice::Notice;
use crate::crowd::plan::{Order, Plan};
use crate::link::carriers::Carriers;
use crate::link::tls::Tls;
use crate::measure::ledger::Ledger;

/// Bytes that one read takes at most, in a buffer that all connections of a thread share.
pub(super) const READ_BYTES_MAX: usize = 64 << 10;

/// Common state of one thread's subscribers.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) plan: Plan,
    pub(crate) desk: RefCell<Desk>,
    pub(crate) tls: Option<Tls>,
    pub(crate) carriers: Rc<Carriers>,
    /// Lets so many connect at once.
    pub(crate) gate: Arc<Semaphore>,
    /// The same, for those that come back.
    pub(crate) gate_back: Arc<Semaphore>,
    pub(crate) notices: Sender<Notice>,
    pub(crate) live: Arc<Live>,
    pub(crate) orders: watch::Receiver<Order>,
}

/// State that the subscribers write to, one at a time.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) buffer: Vec<u8>,
    /// A ledger for each group.
    pub(crate) ledgers: Vec<Ledger>,
}

impl Desk {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self { buffer: vec![0; READ_BYTES_MAX], ledgers: plan.ledgers() }
    }
}

impl Shared {
    pub(super) fn say(&self, notice: Notice) {
        // Once the run is over nobody listens any more, and it does not matter.
        let _ = self.notices.send(notice);
    }
}
