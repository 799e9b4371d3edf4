//! [`Claim`]: an idempotency key and its event as two digests, which memory and journals keep. A claim has a fixed size,
//! however long the key, the targets and the event are.

use blake3::Hasher;

use crate::event::{
    Event,
    name::{self, NameError},
    target::Target,
};

/// A publisher's name for one publish, so that it can be repeated safely: 1 to 256 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    text: Box<str>,
    scope: Box<str>,
}

impl IdempotencyKey {
    /// The key `text` within `scope`, which names the way of publishing and the publisher. The same text with another scope or
    /// other targets is another key.
    ///
    /// ```
    /// use fanfare_core::IdempotencyKey;
    ///
    /// let key = IdempotencyKey::new("order 7", "shop").unwrap();
    /// assert_eq!((key.text(), key.scope()), ("order 7", "shop"));
    /// assert!(IdempotencyKey::new("", "shop").is_err());
    /// ```
    ///
    /// # Errors
    /// [`NameError`]: the rule of names that `text` breaks.
    pub fn new(text: &str, scope: &str) -> Result<Self, NameError> {
        name::check(text).map(|()| Self { text: text.into(), scope: scope.into() })
    }

    /// The text from the publisher.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The scope.
    pub fn scope(&self) -> &str {
        &self.scope
    }
}

/// A digest of 128 bits of a cryptographic hash. Nobody can make two keys with one digest.
pub(crate) type Digest = [u8; 16];

/// The digests of a key and its event. The same key and event make the same claim in every run and on every machine.
///
/// ```
/// use fanfare_core::{Event, IdempotencyKey, NameError, Target, journal::Claim};
///
/// let key = IdempotencyKey::new("order 7", "shop")?;
/// let claim = Claim::new(&key, &Event::new(Target::All, "paid"));
/// // A journal keeps the bytes.
/// assert_eq!(Claim::from_bytes(claim.to_bytes()), claim);
/// assert_ne!(Claim::new(&key, &Event::new(Target::All, "refunded")), claim);
/// # Ok::<_, NameError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The digest of the key's text, its scope and the event's targets. Another target or scope makes another key.
    pub(crate) key: Digest,
    /// The digest of the event. The same key with another event is a mistake of the publisher.
    pub(crate) fingerprint: Digest,
}

impl Claim {
    /// The length of [`Claim::to_bytes`].
    pub const BYTES: usize = 32;

    /// The claim of `key` and `event`.
    pub fn new(key: &IdempotencyKey, event: &Event) -> Self {
        Self { key: key_digest(key, event.targets()), fingerprint: fingerprint(event) }
    }

    /// The claim as bytes, for a journal to keep.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..16].copy_from_slice(&self.key);
        bytes[16..].copy_from_slice(&self.fingerprint);
        bytes
    }

    /// The claim from the bytes that a journal has kept.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let (mut key, mut fingerprint) = (Digest::default(), Digest::default());
        key.copy_from_slice(&bytes[..16]);
        fingerprint.copy_from_slice(&bytes[16..]);
        Self { key, fingerprint }
    }
}

fn key_digest(key: &IdempotencyKey, targets: &[Target]) -> Digest {
    let mut hasher = Hasher::new();
    add(&mut hasher, key.text());
    add(&mut hasher, key.scope());
    for target in targets {
        let (kind, name) = match target {
            Target::All => ("all", ""),
            Target::Channel(channel) => ("channel", channel.as_str()),
            Target::Client(client) => ("client", client.as_str()),
        };
        add(&mut hasher, kind);
        add(&mut hasher, name);
    }
    digest(&hasher)
}

fn fingerprint(event: &Event) -> Digest {
    let mut hasher = Hasher::new();
    add(&mut hasher, event.data());
    for text in [event.kind(), event.own_id()] {
        hasher.update(&[u8::from(text.is_some())]);
        add(&mut hasher, text.unwrap_or_default());
    }
    hasher.update(&event.retry_ms().unwrap_or_default().to_le_bytes());
    hasher.update(&[u8::from(event.is_kept())]);
    digest(&hasher)
}

/// Adds the length of `text`, then `text`. Without the length, bytes could move from one text to the next unnoticed.
fn add(hasher: &mut Hasher, text: &str) {
    hasher.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
    hasher.update(text.as_bytes());
}

fn digest(hasher: &Hasher) -> Digest {
    let mut digest = Digest::default();
    hasher.finalize_xof().fill(&mut digest);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::name::{Channel, ClientId};

    fn key(text: &str, scope: &str) -> IdempotencyKey {
        IdempotencyKey::new(text, scope).unwrap()
    }

    #[test]
    fn a_key_has_one_to_256_bytes() {
        assert!(IdempotencyKey::new(&"k".repeat(256), "").is_ok());
        assert_eq!(IdempotencyKey::new(&"k".repeat(257), ""), Err(NameError::TooLong));
    }

    #[test]
    fn a_claim_is_the_same_in_every_run() {
        let event = Event::new(Target::All, "x").with_kind("k").unwrap().with_retry_ms(100).unwrap();
        let claim = Claim::new(&key("k", "scope"), &event);
        let hex: String = claim.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        // A journal of an earlier run has these bytes. If they change, its format changes.
        assert_eq!(hex, "a2f823195a006c4264203675c5dd6f979554a07c26d0a2c736a2adad3b9cc48a");
        assert_eq!(Claim::from_bytes(claim.to_bytes()), claim);
    }

    #[test]
    fn whatever_differs_makes_another_key_or_another_event() {
        let channel = |name| Target::Channel(Channel::new(name).unwrap());
        let client = Target::Client(ClientId::new("a").unwrap());
        let plain = |target| Event::new(target, "x");
        let keys = [
            Claim::new(&key("k", "s"), &plain(Target::All)),
            Claim::new(&key("ks", ""), &plain(Target::All)),
            Claim::new(&key("k", "t"), &plain(Target::All)),
            Claim::new(&key("k", "s"), &plain(channel("a"))),
            Claim::new(&key("k", "s"), &plain(client)),
            Claim::new(&key("k", "s"), &Event::for_targets(vec![channel("a"), channel("b")], "x").unwrap()),
        ];
        for (index, one) in keys.iter().enumerate() {
            assert!(keys[..index].iter().all(|other| other.key != one.key), "{index}");
            assert_eq!(one.fingerprint, keys[0].fingerprint);
        }
        let event = |data| Event::new(Target::All, data);
        let events = [
            event("x"),
            event("xy"),
            event("x").with_kind("y").unwrap(),
            event("x").with_own_id("y").unwrap(),
            event("x").with_retry_ms(100).unwrap(),
            event("x").live_only(),
        ];
        let claims = events.each_ref().map(|event| Claim::new(&key("k", "s"), event));
        for (index, one) in claims.iter().enumerate() {
            assert!(claims[..index].iter().all(|other| other.fingerprint != one.fingerprint), "{index}");
            assert_eq!(one.key, claims[0].key);
        }
    }
}
