//! [`Quota`]: how much the sender of a publish may still send: its address, and the holder of its grant.

use std::{num::NonZeroU64, sync::Arc};

use fanfare_callers::{Account, Act, Caller, Holder, Limit, Limits, Rate, Refused};
use fanfare_grants::Grant;

use crate::{admission::rights::Rights, answer::problem::Problem, app::App};

/// Seconds to wait where nothing may be published at all: until another token comes.
const NEVER_SECONDS: u32 = 3_600;

/// What one request, or one batch, may still publish.
pub(crate) struct Quota {
    caller: Account<Caller>,
    holder: Option<OfHolder>,
}

/// The share of a holder, and the rates that the grant itself names.
struct OfHolder {
    account: Account<Holder>,
    own: Limits,
    grant: Arc<Grant>,
}

/// The sender is over a limit.
pub(crate) struct Over {
    refused: Refused,
    /// The name of the holder, if the limit is the holder's.
    holder: Option<String>,
}

impl Over {
    /// Seconds until another try can go well.
    pub(crate) fn retry_after_seconds(&self) -> u32 {
        self.refused.retry_after_seconds
    }
}

impl From<Over> for Problem {
    fn from(over: Over) -> Self {
        let Over { refused, holder } = over;
        let whose = holder.map_or_else(|| "the address".to_owned(), |holder| format!("the holder {holder}"));
        Self::from(refused).because(format!("{whose} is over the limit {}", refused.limit.name()))
    }
}

impl Quota {
    pub(crate) fn new(app: &App, caller: &Account<Caller>, rights: &Rights) -> Self {
        let account = |name: &str| app.holders.account(Holder::new("grant", name), app.now_ms());
        let holder = rights.grant().map(|grant| OfHolder {
            account: account(&grant.holder),
            own: own(grant),
            grant: Arc::clone(grant),
        });
        Self { caller: caller.clone(), holder }
    }

    /// Takes one event, if anything is left for its bytes as well.
    ///
    /// # Errors
    /// The caller or the holder is over a limit. Nothing is taken then, unless another request takes the rest in the same moment.
    pub(crate) fn take_event(&self, now_ms: u64) -> Result<(), Over> {
        for count in [0, 1] {
            let of_caller = |refused| Over { refused, holder: None };
            self.caller.take(Act::PublishedByte, 0, now_ms).map_err(of_caller)?;
            if let Some(holder) = &self.holder {
                holder.take_event(count, now_ms)?;
            }
            self.caller.take(Act::Publish, count, now_ms).map_err(of_caller)?;
        }
        Ok(())
    }

    /// Charges the bytes of a body or a line that has come, whatever becomes of it.
    pub(crate) fn charge_bytes(&self, count: usize, now_ms: u64) {
        let count = count as u64;
        self.caller.charge(Act::PublishedByte, count, now_ms);
        if let Some(OfHolder { account, own, .. }) = &self.holder {
            account.charge_within(Act::PublishedByte, count, now_ms, own);
        }
    }
}

impl OfHolder {
    fn take_event(&self, count: u64, now_ms: u64) -> Result<(), Over> {
        let Self { account, own, grant } = self;
        let over = |refused| Over { refused, holder: Some(grant.holder.clone()) };
        if grant.limits.publishes_per_second == Some(0) || grant.limits.bytes_per_second == Some(0) {
            return Err(over(Refused { limit: Limit::Rate(Act::Publish), retry_after_seconds: NEVER_SECONDS }));
        }
        account.take_within(Act::PublishedByte, 0, now_ms, own).map_err(over)?;
        account.take_within(Act::Publish, count, now_ms, own).map_err(over)
    }
}

/// The rates that a grant itself names. Where one is 0, [`OfHolder::take_event`] refuses.
fn own(grant: &Grant) -> Limits {
    let rate = |per_second: u64| NonZeroU64::new(per_second).map(Rate::per_second);
    Limits {
        publishes: grant.limits.publishes_per_second.and_then(|number| rate(number.into())),
        published_bytes: grant.limits.bytes_per_second.and_then(rate),
        ..Limits::NONE
    }
}
