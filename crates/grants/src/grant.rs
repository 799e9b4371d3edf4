//! [`Grant`]: what somebody may do, and until when. Tokens, API keys and the answers of an application become grants.

use fanfare_core::{Channel, ClientId, Pattern, Target};

/// What somebody may do, and until when. The default grants nothing, without an end.
///
/// ```
/// use fanfare_core::{Channel, Pattern, Target};
/// use fanfare_grants::Grant;
///
/// let orders = Pattern::new("orders.*")?;
/// let grant = Grant { subscribe: vec![orders.clone()], ..Grant::default() };
/// assert!(grant.may_follow(&Channel::new("orders.42")?) && grant.may_follow_all_of(&orders));
/// assert!(!grant.may_publish_to(&Target::Channel(Channel::new("orders.42")?)));
/// # Ok::<_, fanfare_core::NameError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// Channels that may be followed and whose history may be read.
    pub subscribe: Vec<Pattern>,
    /// Channels that may be published to. `*` alone grants every target there is.
    pub publish: Vec<Pattern>,
    /// Client ids that may be published to.
    pub clients: Vec<Pattern>,
    /// Whether an event for all connections may be published.
    pub all: bool,
    /// Who the holder is, if the grant says so.
    pub client: Option<ClientId>,
    /// Limits that hold for this grant alone.
    pub limits: GrantLimits,
    /// The end in Unix seconds. A token has its `exp` here, without leeway.
    pub expires: Option<u64>,
    /// A name for logs and for counting: the name of an issuer and `sub` or `jti` behind a slash (a digest of the claims where the
    /// token has neither), or the name of an API key. At
    /// most 163 characters, none of them a control character.
    pub holder: String,
}

/// Limits that a grant brings with it. `None` leaves the server's own limit, and 0 allows none at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GrantLimits {
    /// Open streams of the client. Only a grant with a client has this limit.
    pub streams: Option<u32>,
    /// Publishes of the holder in a second.
    pub publishes_per_second: Option<u32>,
    /// Bytes of data that the holder publishes in a second.
    pub bytes_per_second: Option<u64>,
    /// Channels of one stream.
    pub channels: Option<u16>,
}

/// Patterns in each list of a grant at most.
pub const PATTERNS_MAX: usize = 128;

impl Grant {
    /// A grant of everything, without an end.
    pub fn of_everything(holder: &str) -> Self {
        let everything: Vec<_> = Pattern::new(EVERYTHING).into_iter().collect();
        Self { subscribe: everything.clone(), publish: everything, holder: holder.to_owned(), ..Self::default() }
    }

    /// Whether the holder may follow `channel` and read its history.
    pub fn may_follow(&self, channel: &Channel) -> bool {
        matches(&self.subscribe, channel.as_str())
    }

    /// Whether the holder may follow all channels that `pattern` matches. One granted pattern has to cover it: several that do so
    /// together are not seen.
    pub fn may_follow_all_of(&self, pattern: &Pattern) -> bool {
        self.subscribe.iter().any(|granted| granted.covers(pattern))
    }

    /// Whether the holder may publish an event for `target`.
    pub fn may_publish_to(&self, target: &Target) -> bool {
        if self.may_publish_everything() {
            return true;
        }
        match target {
            Target::All => self.all,
            Target::Channel(channel) => matches(&self.publish, channel.as_str()),
            Target::Client(client) => matches(&self.clients, client.as_str()),
        }
    }

    /// Whether the holder may publish for every target.
    pub fn may_publish_everything(&self) -> bool {
        self.publish.iter().any(|pattern| pattern.as_str() == EVERYTHING)
    }
}

/// The pattern that, to publish, stands for every target.
const EVERYTHING: &str = "*";

fn matches(patterns: &[Pattern], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Vec<Pattern> {
        texts.iter().map(|text| Pattern::new(text).unwrap()).collect()
    }

    fn channel(name: &str) -> Target {
        Target::Channel(Channel::new(name).unwrap())
    }

    fn client(name: &str) -> Target {
        Target::Client(ClientId::new(name).unwrap())
    }

    #[test]
    fn the_default_grants_nothing() {
        let grant = Grant::default();
        assert!(!grant.may_follow(&Channel::new("news").unwrap()));
        assert!(!grant.may_follow_all_of(&Pattern::new("news").unwrap()));
        for target in [Target::All, channel("news"), client("42")] {
            assert!(!grant.may_publish_to(&target), "{target:?}");
        }
    }

    #[test]
    fn each_kind_of_target_has_a_grant_of_its_own() {
        let grant = Grant { publish: patterns(&["news", "x.*"]), ..Grant::default() };
        assert!(grant.may_publish_to(&channel("news")) && grant.may_publish_to(&channel("x.1")));
        assert!(!grant.may_publish_to(&client("news")) && !grant.may_publish_to(&Target::All));
        assert!(!grant.may_follow(&Channel::new("news").unwrap()));
        let grant = Grant { clients: patterns(&["4*"]), ..Grant::default() };
        assert!(grant.may_publish_to(&client("42")) && !grant.may_publish_to(&channel("42")));
        assert!(Grant { all: true, ..Grant::default() }.may_publish_to(&Target::All));
    }

    #[test]
    fn a_star_alone_grants_every_target_and_a_longer_pattern_only_channels() {
        let star = Grant { publish: patterns(&["a", "*"]), ..Grant::default() };
        for target in [Target::All, channel("news"), client("42")] {
            assert!(star.may_publish_to(&target) && Grant::of_everything("x").may_publish_to(&target), "{target:?}");
        }
        let two = Grant { publish: patterns(&["**"]), ..Grant::default() };
        assert!(two.may_publish_to(&channel("news")) && !two.may_publish_to(&client("42")));
        let clients = Grant { clients: patterns(&["*"]), subscribe: patterns(&["*"]), ..Grant::default() };
        assert!(!clients.may_publish_to(&Target::All) && !clients.may_publish_to(&channel("a")));
    }

    #[test]
    fn a_pattern_is_followed_only_where_one_granted_pattern_covers_it() {
        let grant = Grant { subscribe: patterns(&["orders.*", "news"]), ..Grant::default() };
        for (text, may) in [("orders.*", true), ("orders.a*", true), ("news", true), ("*", false), ("order*", false)] {
            assert_eq!(grant.may_follow_all_of(&Pattern::new(text).unwrap()), may, "{text}");
        }
        assert!(!grant.may_follow(&Channel::new("news2").unwrap()));
    }
}
