//! [`Quota`]: how much the sender of a publish may still send: its address, and the holder of its grant.

use std::num::NonZeroU64;

use fanfare_callers::{Account, Act, Caller, Holder, Limit, Limits, Rate, Refused};
use fanfare_grants::GrantLimits;

use crate::{admission::rights::Rights, app::App};

/// Seconds to wait where nothing may be published at all: until another token comes.
const NEVER_SECONDS: u32 = 3_600;

/// What one request, or one batch, may still publish.
pub(crate) struct Quota {
    caller: Account<Caller>,
    holder: Option<(Account<Holder>, GrantLimits)>,
}

impl Quota {
    pub(crate) fn new(app: &App, caller: &Account<Caller>, rights: &Rights) -> Self {
        let account = |name: &str| app.holders.account(Holder::new("grant", name), app.now_ms());
        let holder = rights.grant().map(|grant| (account(&grant.holder), grant.limits));
        Self { caller: caller.clone(), holder }
    }

    /// Takes one event, if anything is left for its bytes as well.
    ///
    /// # Errors
    /// The caller or the holder is over a limit. Nothing is taken then.
    pub(crate) fn take_event(&self, now_ms: u64) -> Result<(), Refused> {
        self.caller.take(Act::PublishedByte, 0, now_ms)?;
        if let Some((holder, limits)) = &self.holder {
            if limits.publishes_per_second == Some(0) || limits.bytes_per_second == Some(0) {
                return Err(Refused { limit: Limit::Rate(Act::Publish), retry_after_seconds: NEVER_SECONDS });
            }
            holder.take_within(Act::PublishedByte, 0, now_ms, &own(limits))?;
            holder.take_within(Act::Publish, 1, now_ms, &own(limits))?;
        }
        self.caller.take(Act::Publish, 1, now_ms)
    }

    /// Charges the bytes of a body that has come.
    pub(crate) fn charge_bytes(&self, count: usize, now_ms: u64) {
        let count = count as u64;
        self.caller.charge(Act::PublishedByte, count, now_ms);
        if let Some((holder, limits)) = &self.holder {
            holder.charge_within(Act::PublishedByte, count, now_ms, &own(limits));
        }
    }
}

/// The rates that the grant itself names. Where one is 0, [`Quota::take_event`] refuses.
fn own(limits: &GrantLimits) -> Limits {
    let rate = |per_second: u64| NonZeroU64::new(per_second).map(Rate::per_second);
    Limits {
        publishes: limits.publishes_per_second.and_then(|number| rate(number.into())),
        published_bytes: limits.bytes_per_second.and_then(rate),
        ..Limits::NONE
    }
}
