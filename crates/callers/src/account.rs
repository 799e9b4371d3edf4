//! [`Account`]: the way to one caller's share. [`Seat`]: one thing that the caller holds.

use std::{hash::Hash, sync::Arc};

use crate::{
    limit::{Act, HELD_RETRY_AFTER_SECONDS, Holding, Limit, Refused},
    limits::Limits,
    table::{Place, Table},
};

/// One caller, or one holder, in a [`Table`].
///
/// A connection asks for it once, and a request behind a proxy each time. The caller is not forgotten while it lives. Each call takes the
/// lock of a shard for some 20 ns.
#[derive(Debug)]
pub struct Account<K> {
    table: Arc<Table<K>>,
    place: Place,
}

impl<K: Eq + Hash> Table<K> {
    /// The account of `key`, which may be new.
    #[must_use]
    pub fn account(self: &Arc<Self>, key: K, now_ms: u64) -> Account<K> {
        Account { place: self.enter(key, now_ms), table: Arc::clone(self) }
    }

    /// The account of somebody who is not limited and not counted, like a proxy that speaks for many.
    #[must_use]
    pub fn exempt(self: &Arc<Self>) -> Account<K> {
        Account { place: Place::Exempt, table: Arc::clone(self) }
    }
}

impl<K> Account<K> {
    /// Takes `count` from a rate. With a `count` of 0 it only asks whether anything is left.
    ///
    /// More than the burst is let in while anything of it is left, and makes the next ones wait for longer.
    ///
    /// # Errors
    ///
    /// Nothing is left of the burst. Nothing is taken then.
    pub fn take(&self, act: Act, count: u64, now_ms: u64) -> Result<(), Refused> {
        self.take_within(act, count, now_ms, &Limits::NONE)
    }

    /// As [`Account::take`], with the rates of `own` where it has some, and those of the table where it has none. One key has the same
    /// `own` each time.
    ///
    /// # Errors
    ///
    /// As [`Account::take`].
    pub fn take_within(&self, act: Act, count: u64, now_ms: u64, own: &Limits) -> Result<(), Refused> {
        let taken = self.table.with_share(self.place, |share, terms| share.take(act, count, now_ms, &terms.with(own)));
        taken.unwrap_or(Ok(())).map_err(|retry_after_seconds| self.refuse(Limit::Rate(act), retry_after_seconds))
    }

    /// Takes `count` from a rate whatever is left: for a body whose size is known only when it is here.
    pub fn charge(&self, act: Act, count: u64, now_ms: u64) {
        self.charge_within(act, count, now_ms, &Limits::NONE);
    }

    /// As [`Account::charge`], with the rates of `own` as [`Account::take_within`] has them.
    pub fn charge_within(&self, act: Act, count: u64, now_ms: u64, own: &Limits) {
        self.table.with_share(self.place, |share, terms| share.charge(act, count, now_ms, &terms.with(own)));
    }

    /// Counts one holding more, until the seat is dropped.
    ///
    /// # Errors
    ///
    /// The caller holds as many as it may.
    pub fn enter(&self, holding: Holding) -> Result<Seat<K>, Refused> {
        if self.table.hold(self.place, holding) {
            return Ok(Seat { table: Arc::clone(&self.table), place: self.place, holding });
        }
        Err(self.refuse(Limit::Number(holding), HELD_RETRY_AFTER_SECONDS))
    }

    /// Number of holdings of one kind.
    #[must_use]
    pub fn held(&self, holding: Holding) -> u32 {
        self.table.with_share(self.place, |share, _| share.held(holding)).unwrap_or(0)
    }

    fn refuse(&self, limit: Limit, retry_after_seconds: u32) -> Refused {
        self.table.refusals().count(limit);
        Refused { limit, retry_after_seconds }
    }
}

impl<K> Clone for Account<K> {
    fn clone(&self) -> Self {
        self.table.add_user(self.place);
        Self { table: Arc::clone(&self.table), place: self.place }
    }
}

impl<K> Drop for Account<K> {
    fn drop(&mut self) {
        self.table.remove_user(self.place);
    }
}

/// One holding, counted until the seat is dropped. Drop it after what it stands for.
#[derive(Debug)]
pub struct Seat<K> {
    table: Arc<Table<K>>,
    place: Place,
    holding: Holding,
}

impl<K> Drop for Seat<K> {
    fn drop(&mut self) {
        self.table.release(self.place, self.holding);
    }
}
