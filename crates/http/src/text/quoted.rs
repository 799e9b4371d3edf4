//! [`Quoted`]: what a client has named, as it stands in the words of a log line. Fields of a line are quoted by the log itself.

use std::fmt;

use fanfare_core::Target;

/// A target that cannot be taken for another one, or for more of the line: a name of anything but plain characters stands in
/// quotes, with everything escaped that does not print or changes the direction of text.
#[derive(Debug)]
pub(crate) struct Quoted<'a>(pub(crate) &'a Target);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = match self.0 {
            Target::All => return f.write_str("all"),
            Target::Channel(channel) => ("channel", channel.as_str()),
            Target::Client(client) => ("client", client.as_str()),
        };
        write!(f, "{kind} {}", QuotedName(name))
    }
}

/// A name alone, by the same rule.
#[derive(Debug)]
pub(crate) struct QuotedName<'a>(pub(crate) &'a str);

impl fmt::Display for QuotedName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name) = self;
        if name.bytes().all(is_plain) { f.write_str(name) } else { write!(f, "{name:?}") }
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._:/@+-".contains(&byte)
}

#[cfg(test)]
mod tests {
    use fanfare_core::{Channel, ClientId};

    use super::*;

    #[test]
    fn a_name_cannot_forge_more_of_a_line() {
        let channel = |name: &str| Quoted(&Target::Channel(Channel::new(name).unwrap())).to_string();
        assert_eq!(channel("orders/42"), "channel orders/42");
        assert_eq!(channel("all"), "channel all");
        assert_eq!(Quoted(&Target::All).to_string(), "all");
        assert_eq!(channel("a id=9-9 matched=1000000"), "channel \"a id=9-9 matched=1000000\"");
        assert_eq!(channel("a\" b"), "channel \"a\\\" b\"");
        for hidden in [
            '\u{2028}',
            '\u{2029}',
            '\u{200b}',
            '\u{200f}',
            '\u{202e}',
            '\u{2066}',
            '\u{2069}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            let told = channel(&format!("a{hidden}b"));
            assert_eq!(told, format!("channel \"a\\u{{{:x}}}b\"", u32::from(hidden)));
        }
        let client = Target::Client(ClientId::new("ann lee").unwrap());
        assert_eq!(Quoted(&client).to_string(), "client \"ann lee\"");
    }
}
