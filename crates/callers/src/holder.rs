//! [`Holder`]: somebody with a name, whatever the address: a publisher's key, the holder of a token, a client id.

/// The name of one holder, of fixed size however long the name is.
///
/// The name itself is not kept: its digest (BLAKE3) is, and nobody can make two names that are taken for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Holder([u8; 32]);

impl Holder {
    /// The holder `name` among those of its `kind`: `Holder::new("client", "42")`. A name of one kind is none of another kind.
    #[must_use]
    pub fn new(kind: &str, name: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        // With its length in front, so that no kind and name together are another kind and name.
        hasher.update(&kind.len().to_le_bytes()).update(kind.as_bytes()).update(name.as_bytes());
        Self(*hasher.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_kind_is_no_name_of_another_kind() {
        let one = Holder::new("key", "a");
        assert_eq!(one, Holder::new("key", "a"));
        assert!(one != Holder::new("client", "a") && one != Holder::new("ke", "ya"));
    }
}
