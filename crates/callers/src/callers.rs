//! [`Callers`]: the table of callers, and what is exempt from it.

use std::{net::IpAddr, sync::Arc};

use crate::{account::Account, caller::Caller, limits::Limits, refusals::Refusals, table::Table};

/// Whether processes of the machine itself are limited as callers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loopback {
    /// They are not. A proxy on the machine would be one caller for all its clients, and so would a load test or a local publisher.
    #[default]
    Exempt,
    /// They are one caller for each address.
    Limited,
}

/// All callers of a server. Clones share the table.
#[derive(Clone, Debug)]
pub struct Callers {
    table: Arc<Table<Caller>>,
    loopback: Loopback,
}

impl Callers {
    /// Nobody has called yet. At most `callers_max` are kept, at least 1: [`ENTRIES_MAX`](crate::ENTRIES_MAX) is the default.
    #[must_use]
    pub fn new(limits: &Limits, callers_max: usize, loopback: Loopback) -> Self {
        Self { table: Table::new(limits, callers_max), loopback }
    }

    /// The account of the other end of a socket.
    #[must_use]
    pub fn peer(&self, address: IpAddr, now_ms: u64) -> Account<Caller> {
        match self.loopback {
            Loopback::Exempt if address.to_canonical().is_loopback() => self.table.exempt(),
            _ => self.table.account(Caller::from(address), now_ms),
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
        self.table.sweep(now_ms);
    }

    /// Number of callers that are kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.table.len()
    }

    /// How often each limit has refused a caller.
    #[must_use]
    pub fn refusals(&self) -> &Refusals {
        self.table.refusals()
    }
}
