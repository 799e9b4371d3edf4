//! [`Share`]: what one caller has taken and holds. Its shard's lock guards it.

use std::num::NonZeroU32;

use crate::{
    limit::{ACTS, Act, HOLDINGS, Holding},
    limits::{Limits, Rate},
};

/// Parts of one. Rates are exact to a millisecond for it.
const PARTS: u64 = 1_000;
/// A clock is believed that goes back by more than this time. Less than that is two threads that have asked at different times:
/// believing each of them in turn would give back the same millisecond many times.
const BACK_MS_MAX: u64 = 1_000;

/// Limits by number, as shares look them up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    rates: [Option<Rate>; ACTS],
    numbers: [Option<NonZeroU32>; HOLDINGS],
}

impl Terms {
    /// The same, with the rates of `own` where it has some.
    pub(crate) fn with(&self, own: &Limits) -> Self {
        let mut terms = *self;
        for (rate, own) in terms.rates.iter_mut().zip(own.rates()) {
            *rate = own.or(*rate);
        }
        terms
    }
}

impl From<&Limits> for Terms {
    fn from(limits: &Limits) -> Self {
        Self { rates: limits.rates(), numbers: limits.numbers() }
    }
}

/// What one caller has taken and holds.
#[derive(Debug, Default)]
pub(crate) struct Share {
    /// The time up to which the rates have given back.
    at_ms: u64,
    /// What has been taken and not yet given back, in [`PARTS`], by [`Act`]. More than the burst is a debt.
    used: [u64; ACTS],
    /// The time at which all of it is given back, by the rates that it was taken with.
    full_ms: u64,
    /// Number of holdings, by [`Holding`].
    held: [u32; HOLDINGS],
}

impl Share {
    /// Takes `count`, or says in how many seconds that can be done. A `count` of 0 only asks.
    pub(crate) fn take(&mut self, act: Act, count: u64, now_ms: u64, terms: &Terms) -> Result<(), u32> {
        let Some(rate) = terms.rates[act as usize] else { return Ok(()) };
        self.give_back(now_ms, terms);
        let used = &mut self.used[act as usize];
        // There must be room for one, and what is worth more may go beyond the burst.
        let beyond = used.saturating_add(PARTS).saturating_sub(rate.burst.get().saturating_mul(PARTS));
        if beyond > 0 {
            // A part is given back in a millisecond, for each one a second.
            let wait_s = beyond.div_ceil(rate.per_second.get()).div_ceil(1_000);
            return Err(u32::try_from(wait_s).unwrap_or(u32::MAX));
        }
        *used = used.saturating_add(count.saturating_mul(PARTS));
        self.note_full(act, rate);
        Ok(())
    }

    /// Takes `count` whatever is left.
    pub(crate) fn charge(&mut self, act: Act, count: u64, now_ms: u64, terms: &Terms) {
        if let Some(rate) = terms.rates[act as usize] {
            self.give_back(now_ms, terms);
            let used = &mut self.used[act as usize];
            *used = used.saturating_add(count.saturating_mul(PARTS));
            self.note_full(act, rate);
        }
    }

    fn note_full(&mut self, act: Act, rate: Rate) {
        let left_ms = self.used[act as usize].div_ceil(rate.per_second.get());
        self.full_ms = self.full_ms.max(self.at_ms.saturating_add(left_ms));
    }

    /// The limits are other ones from now on. Nobody owes more than the new bursts.
    pub(crate) fn fit(&mut self, terms: &Terms) {
        self.full_ms = self.at_ms;
        for (used, rate) in self.used.iter_mut().zip(&terms.rates) {
            let Some(rate) = rate else { continue };
            *used = (*used).min(rate.burst.get().saturating_mul(PARTS));
            self.full_ms = self.full_ms.max(self.at_ms.saturating_add(used.div_ceil(rate.per_second.get())));
        }
    }

    /// Counts one holding more, unless there are as many as may be.
    pub(crate) fn hold(&mut self, holding: Holding, terms: &Terms) -> bool {
        let held = &mut self.held[holding as usize];
        let fits = terms.numbers[holding as usize].is_none_or(|max| *held < max.get());
        *held += u32::from(fits);
        fits
    }

    /// Counts one holding less.
    pub(crate) fn release(&mut self, holding: Holding) {
        let held = &mut self.held[holding as usize];
        *held = held.saturating_sub(1);
    }

    /// Number of holdings of one kind.
    pub(crate) fn held(&self, holding: Holding) -> u32 {
        self.held[holding as usize]
    }

    /// Whether the share is as good as a new one, if nobody holds anything.
    pub(crate) fn is_as_new(&self, now_ms: u64) -> bool {
        now_ms >= self.full_ms || self.at_ms.saturating_sub(now_ms) > BACK_MS_MAX
    }

    fn give_back(&mut self, now_ms: u64, terms: &Terms) {
        let passed_ms = now_ms.saturating_sub(self.at_ms);
        for (used, rate) in self.used.iter_mut().zip(&terms.rates) {
            let back = rate.map_or(u64::MAX, |rate| rate.per_second.get().saturating_mul(passed_ms));
            *used = used.saturating_sub(back);
        }
        if passed_ms > 0 || self.at_ms - now_ms > BACK_MS_MAX {
            self.at_ms = now_ms;
        }
    }
}
