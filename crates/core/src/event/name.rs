//! [`Channel`] and [`ClientId`]: the names that publishers and subscribers give.
//!
//! Both obey one rule, which is checked only here: 1 to 256 bytes of UTF-8 without control characters. Names are cheap to clone
//! and are compared byte for byte.

use std::{borrow::Borrow, fmt, sync::Arc};

use thiserror::Error;

/// The longest name in bytes of UTF-8.
pub const NAME_BYTES_MAX: usize = 256;

/// The reason for which a text is not a name.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NameError {
    /// The text is empty.
    #[error("a name must not be empty")]
    Empty,
    /// The text has more than [`NAME_BYTES_MAX`] bytes.
    #[error("a name has at most 256 bytes of UTF-8")]
    TooLong,
    /// A character of Unicode's category Cc, such as CR, LF or NUL.
    #[error("a name must not contain control characters")]
    Control,
    /// `{` or `}` in the name of a channel to follow, or in a pattern.
    #[error("the name of a channel to follow has no {{ or }}")]
    Reserved,
}

/// Checks the rule of names. Event types and publishers' own ids obey it too.
pub(crate) fn check(text: &str) -> Result<(), NameError> {
    match text.len() {
        0 => Err(NameError::Empty),
        len if len > NAME_BYTES_MAX => Err(NameError::TooLong),
        _ if text.chars().any(char::is_control) => Err(NameError::Control),
        _ => Ok(()),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name, if `text` is one.
            ///
            /// # Errors
            /// [`NameError`]: the broken rule.
            pub fn new(text: &str) -> Result<Self, NameError> {
                check(text).map(|()| Self(text.into()))
            }

            /// The text as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// A name that events are published on and that connections follow.
    ///
    /// ```
    /// use fanfare_core::{Channel, NameError};
    ///
    /// let channel = Channel::new("orders/42")?;
    /// assert_eq!(channel.as_str(), "orders/42");
    /// assert_eq!(Channel::new("two\nlines"), Err(NameError::Control));
    /// # Ok::<_, NameError>(())
    /// ```
    Channel
}

name! {
    /// The application's name for a user or device. One client may hold several connections.
    ///
    /// ```
    /// use fanfare_core::{ClientId, NAME_BYTES_MAX, NameError};
    ///
    /// let client = ClientId::new("42")?;
    /// assert_eq!(client.to_string(), "42");
    /// assert_eq!(ClientId::new(&"x".repeat(NAME_BYTES_MAX + 1)), Err(NameError::TooLong));
    /// # Ok::<_, NameError>(())
    /// ```
    ClientId
}

/// Finds channels by text in an ordered map.
impl Borrow<str> for Channel {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_at_the_limit_pass_and_one_past_it_fail() {
        assert!(Channel::new(&"x".repeat(256)).is_ok());
        assert_eq!(Channel::new(&"x".repeat(257)), Err(NameError::TooLong));
        assert!(ClientId::new(&"ü".repeat(128)).is_ok());
        assert_eq!(ClientId::new(&format!("{}x", "ü".repeat(128))), Err(NameError::TooLong));
        assert_eq!(ClientId::new(""), Err(NameError::Empty));
    }

    #[test]
    fn control_characters_are_refused_and_everything_else_is_a_name() {
        for bad in ["a\nb", "a\rb", "\0", "\u{7f}", "\u{85}", "tab\t"] {
            assert_eq!(Channel::new(bad), Err(NameError::Control), "{bad:?}");
        }
        for good in ["a b", "orders/42", "..", "%", "\u{2028}", "日本", "*"] {
            assert_eq!(Channel::new(good).unwrap().as_str(), good);
        }
    }
}
