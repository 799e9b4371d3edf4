//! [`Callers`]: the table of callers, and what is exempt from it.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{account::Account, caller::Caller, limit::Limit, limits::Limits, table::Table};

/// Loopback addresses that are kept apart at most.
const LOOPBACK_ENTRIES_MAX: usize = 1_024;

/// All callers of a server. Clones share the table.
#[derive(Clone, Debug)]
pub struct Callers {
    table: Arc<Table<Caller>>,
    /// Callers with a loopback address.
    loopback: Arc<Table<Caller>>,
    /// Whether these have limits. Relaxed: whoever comes at the moment of a change has one or the other.
    is_loopback_limited: Arc<AtomicBool>,
}

impl Callers {
    /// Nobody has called yet. `limits` are those of each caller, and `loopback` those of each with a loopback address: a proxy on the
    /// machine would be one caller for all its clients, and so would a load test or a local publisher. At most `callers_max` are kept, at least 1: [`ENTRIES_MAX`](crate::ENTRIES_MAX) is the default.
    #[must_use]
    pub fn new(limits: &Limits, loopback: &Limits, callers_max: usize) -> Self {
        Self {
            table: Table::new(limits, callers_max),
            is_loopback_limited: Arc::new(AtomicBool::new(*loopback != Limits::NONE)),
            loopback: Table::new(loopback, LOOPBACK_ENTRIES_MAX.min(callers_max)),
        }
    }

    /// Sets other limits, as [`Table::set_limits`] does. A socket with a loopback address that was open while these had no limits has none
    /// until it ends.
    pub fn set_limits(&self, limits: &Limits, loopback: &Limits) {
        self.table.set_limits(limits);
        self.loopback.set_limits(loopback);
        self.is_loopback_limited.store(*loopback != Limits::NONE, Ordering::Relaxed);
    }

    /// The account of the other end of a socket.
    #[must_use]
    pub fn peer(&self, address: IpAddr, now_ms: u64) -> Account<Caller> {
        if !address.to_canonical().is_loopback() {
            self.table.account(Caller::from(address), now_ms)
        } else if self.is_loopback_limited.load(Ordering::Relaxed) {
            self.loopback.account(Caller::from(address), now_ms)
        } else {
            self.table.exempt()
        }
    }

    /// The account of an address that a trusted proxy has named. A loopback address is limited like others: a proxy that passes on what
    /// clients write must not exempt them.
    #[must_use]
    pub fn client(&self, address: IpAddr, now_ms: u64) -> Account<Caller> {
        self.table.account(Caller::from(address), now_ms)
    }

    /// The account of a trusted proxy, whose sockets carry the requests of many.
    #[must_use]
    pub fn proxy(&self) -> Account<Caller> {
        self.table.exempt()
    }

    /// Forgets callers that hold nothing and whose rates are full. Call it once a second.
    pub fn sweep(&self, now_ms: u64) {
        self.tables().for_each(|table| table.sweep(now_ms));
    }

    /// Number of callers that are kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.tables().map(|table| table.len()).sum()
    }

    /// How often `limit` has refused a caller.
    #[must_use]
    pub fn refused(&self, limit: Limit) -> u64 {
        self.tables().map(|table| table.refusals().of(limit)).sum()
    }

    /// How often somebody came to the crowd, because all places were taken.
    #[must_use]
    pub fn crowded(&self) -> u64 {
        self.tables().map(|table| table.refusals().crowded()).sum()
    }

    fn tables(&self) -> impl Iterator<Item = &Arc<Table<Caller>>> {
        [&self.table, &self.loopback].into_iter()
    }
}
