//! [`Rights`]: what the holder of one request may follow, read and publish.

use std::sync::Arc;

use fanfare_core::{Channel, ClientId, Pattern, Target};
use fanfare_grants::Grant;

use crate::{
    access::gate::Access,
    answer::problem::Problem,
    app::{made_up_client, unix_ms},
    text::quoted::{Quoted, QuotedName},
};

/// The rights of one request, by the rules as they were when it came.
#[derive(Clone, Debug)]
pub(crate) struct Rights {
    access: Arc<Access>,
    holder: Holder,
    /// The end of the grant, as Unix time in milliseconds.
    ends_ms: Option<u64>,
}

/// Streams of a client that its grant names.
const GRANTED_STREAMS_MAX: usize = 256;
/// Time that a grant has at least, which was good for nothing but the leeway of its issuer: so that its stream does not end before it
/// begins.
const LEAST_MS: u64 = 1_000;

/// Who has sent the request.
#[derive(Clone, Debug)]
pub(crate) enum Holder {
    /// Whoever it is, nothing is private.
    Anybody,
    /// Somebody without a grant. The problem says what was wrong with the credential that came along, if one did.
    Nobody(Option<Problem>),
    /// The application has allowed just this request.
    Allowed,
    /// The holder of a grant.
    Granted(Arc<Grant>),
}

impl Rights {
    pub(crate) fn new(access: Arc<Access>, holder: Holder) -> Self {
        let ends_ms = match &holder {
            Holder::Granted(grant) => grant.expires.map(|end| end.saturating_mul(1_000).max(unix_ms() + LEAST_MS)),
            Holder::Anybody | Holder::Nobody(_) | Holder::Allowed => None,
        };
        Self { access, holder, ends_ms }
    }

    /// The name of the grant's holder, for the log and for keys that are the holder's own.
    pub(crate) fn holder(&self) -> Option<&str> {
        self.grant().map(|grant| grant.holder.as_str())
    }

    /// The grant, if the request came with one.
    pub(crate) fn grant(&self) -> Option<&Arc<Grant>> {
        match &self.holder {
            Holder::Granted(grant) => Some(grant),
            Holder::Anybody | Holder::Nobody(_) | Holder::Allowed => None,
        }
    }

    /// The moment at which the grant ends, on the clock of [`App::now_ms`](crate::app::App::now_ms), which is now `now_ms`.
    pub(crate) fn expires_ms(&self, now_ms: u64) -> Option<u64> {
        Some(now_ms.saturating_add(self.ends_ms?.saturating_sub(unix_ms())))
    }

    /// Streams that the client may have: as its grant says, or else `set`, or else some if the grant names the client.
    pub(crate) fn client_streams_max(&self, set: Option<usize>) -> Option<usize> {
        let Some(grant) = self.grant().filter(|grant| grant.client.is_some()) else { return set };
        let own_max = grant.limits.streams.map(|max| usize::try_from(max).unwrap_or(usize::MAX));
        own_max.or(set).or(Some(GRANTED_STREAMS_MAX))
    }

    /// The client of a stream: the one that the grant names, or the one that the request names, or a new one. Where reading is private,
    /// an id is no name that anybody may claim.
    ///
    /// # Errors
    /// 401 or 403 for the id of another.
    pub(crate) fn client(&self, id: Option<ClientId>) -> Result<ClientId, Problem> {
        let named = || id.clone().unwrap_or_else(made_up_client);
        match &self.holder {
            Holder::Anybody | Holder::Allowed => Ok(named()),
            Holder::Nobody(why) if id.is_some() => Err(refused(why, "an id needs a grant that names it")),
            Holder::Nobody(_) => Ok(named()),
            Holder::Granted(grant) => match (&grant.client, &id) {
                (Some(own), None) => Ok(own.clone()),
                (None, None) => Ok(named()),
                (Some(own), Some(id)) if own == id => Ok(own.clone()),
                (_, Some(id)) => Err(not_granted(grant, &format!("the id {}", QuotedName(id.as_str())))),
            },
        }
    }

    /// Whether the request may follow all of these. A stream without any gets what is for all and for its client, which needs a grant
    /// too, whatever that grants.
    ///
    /// # Errors
    /// 401 without a grant, and 403 for one that does not cover them.
    pub(crate) fn check_follow(&self, channels: &[Channel], patterns: &[Pattern]) -> Result<(), Problem> {
        let is_public = |access: &Access| {
            channels.iter().all(|channel| access.is_public_channel(channel))
                && patterns.iter().all(|pattern| access.is_public(pattern))
        };
        match &self.holder {
            Holder::Anybody | Holder::Allowed => Ok(()),
            Holder::Nobody(_) if !(channels.is_empty() && patterns.is_empty()) && is_public(&self.access) => Ok(()),
            Holder::Nobody(why) => Err(refused(why, "the channels are not public, and no grant was shown")),
            Holder::Granted(grant) => {
                let count = channels.len() + patterns.len();
                if grant.limits.channels.is_some_and(|max| count > usize::from(max)) {
                    return Err(not_granted(grant, &format!("to follow {count} channels")));
                }
                for channel in channels {
                    if !self.access.is_public_channel(channel) && !grant.may_follow(channel) {
                        return Err(not_granted(grant, &format!("to follow {}", QuotedName(channel.as_str()))));
                    }
                }
                for pattern in patterns {
                    if !self.access.is_public(pattern) && !grant.may_follow_all_of(pattern) {
                        return Err(not_granted(grant, &format!("to follow {}", QuotedName(pattern.as_str()))));
                    }
                }
                Ok(())
            }
        }
    }

    /// Whether any line of a batch may be published at all, before it has come.
    ///
    /// # Errors
    /// 401 without a grant where nothing is public.
    pub(crate) fn check_batch(&self) -> Result<(), Problem> {
        match &self.holder {
            Holder::Nobody(why) if self.access.public_publish.is_empty() => {
                Err(refused(why, "no channel is public to publish to, and no grant was shown"))
            }
            _ => Ok(()),
        }
    }

    /// Whether the grant still holds, for a request that takes long.
    ///
    /// # Errors
    /// 401 once it has ended.
    pub(crate) fn check_time(&self) -> Result<(), Problem> {
        match self.ends_ms.is_some_and(|ends_ms| unix_ms() >= ends_ms) {
            true => Err(Problem::invalid_credential().because("the grant has ended meanwhile")),
            false => Ok(()),
        }
    }

    /// Whether the request may publish to all of these.
    ///
    /// # Errors
    /// As [`Rights::check_follow`].
    pub(crate) fn check_publish(&self, targets: &[Target]) -> Result<(), Problem> {
        let is_public = |target: &Target| match target {
            Target::Channel(channel) => self.access.is_public_to_publish(channel),
            Target::All | Target::Client(_) => false,
        };
        match &self.holder {
            Holder::Anybody | Holder::Allowed => Ok(()),
            Holder::Nobody(_) if targets.iter().all(is_public) => Ok(()),
            Holder::Nobody(why) => Err(refused(why, "the target is not public, and no grant was shown")),
            Holder::Granted(grant) => {
                match targets.iter().find(|target| !is_public(target) && !grant.may_publish_to(target)) {
                    None => Ok(()),
                    Some(target) => Err(not_granted(grant, &format!("to publish to {}", Quoted(target)))),
                }
            }
        }
    }
}

/// The refusal of a request without a grant. `rule` is for the log.
fn refused(why: &Option<Problem>, rule: &str) -> Problem {
    why.clone().unwrap_or_else(|| Problem::without_credential().because(rule))
}

fn not_granted(grant: &Grant, what: &str) -> Problem {
    Problem::not_granted().because(format!("{} has no grant {what}", grant.holder))
}
