//! [`Token`]: a piece of Rust source. Comments, numbers and lifetimes are left out. Nothing here knows the meaning of a
//! token.

/// A piece of Rust source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// An identifier or a keyword.
    Name(String),
    /// Two colons.
    Colons,
    /// Contents of a string, with its escapes as they are written.
    Text(String),
    /// Any other character.
    Sign(char),
}

/// Splits a file into tokens.
pub(super) fn tokens(source: &str) -> Vec<Token> {
    let mut rest = source;
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            _ if rest.starts_with("//") => (None, rest.find('\n').unwrap_or(rest.len())),
            _ if rest.starts_with("/*") => (None, comment_length(rest)),
            _ if rest.starts_with("::") => (Some(Token::Colons), 2),
            '"' => text(rest, 0),
            '\'' => (None, quote_length(rest)),
            _ if is_of_name(first) => word(rest),
            _ if first.is_whitespace() => (None, first.len_utf8()),
            _ => (Some(Token::Sign(first)), first.len_utf8()),
        };
        tokens.extend(token);
        rest = rest.get(length..).unwrap_or_default();
    }
    tokens
}

fn is_of_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Reads an identifier, a number, or a string with a prefix.
fn word(rest: &str) -> (Option<Token>, usize) {
    let length = rest.find(|character| !is_of_name(character)).unwrap_or(rest.len());
    let (name, behind) = rest.split_at(length);
    if matches!(name, "r" | "b" | "c" | "br" | "cr") {
        let hashes = behind.len() - behind.trim_start_matches('#').len();
        if behind[hashes..].starts_with('"') {
            return if name.ends_with('r') { raw_text(rest, length, hashes) } else { text(rest, length) };
        }
        if name == "r" && hashes == 1 {
            // A raw identifier counts as the plain one.
            let (token, length) = word(&behind[1..]);
            return (token, length + 2);
        }
    }
    let is_number = name.starts_with(|first: char| first.is_ascii_digit());
    ((!is_number).then(|| Token::Name(name.to_owned())), length)
}

/// Reads a string whose quote is at `start`.
fn text(rest: &str, start: usize) -> (Option<Token>, usize) {
    let mut is_escaped = false;
    let is_end = |&(_, character): &(usize, char)| {
        let is_end = character == '"' && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
        is_end
    };
    let end = rest[start + 1..].char_indices().find(is_end).map_or(rest.len(), |(at, _)| start + 1 + at);
    (Some(Token::Text(rest[start + 1..end].to_owned())), end + 1)
}

fn raw_text(rest: &str, start: usize, hashes: usize) -> (Option<Token>, usize) {
    let begin = start + hashes + 1;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = rest[begin..].find(&close).map_or(rest.len(), |at| begin + at);
    (Some(Token::Text(rest[begin..end].to_owned())), end + close.len())
}

/// Length of a character between quotes, or of a lifetime.
fn quote_length(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    let length = match characters.next() {
        Some((_, '\\')) => characters.skip(1).find(|(_, character)| *character == '\'').map(|(at, _)| at + 1),
        Some(_) => characters.next().filter(|(_, character)| *character == '\'').map(|(at, _)| at + 1),
        None => None,
    };
    // The name of a lifetime is never part of a path.
    length.unwrap_or_else(|| rest[1..].find(|character| !is_of_name(character)).map_or(rest.len(), |at| at + 1))
}

/// Length of a block comment, with the comments inside.
fn comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let behind = rest.get(at..).unwrap_or_default();
        if behind.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if behind.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str) -> String {
        let shown = |token: &Token| match token {
            Token::Name(name) => name.clone(),
            Token::Colons => "::".to_owned(),
            Token::Text(text) => format!("<{text}>"),
            Token::Sign(sign) => sign.to_string(),
        };
        tokens(source).iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn names_and_signs_are_told_apart() {
        assert_eq!(shown("use crate::{a_1, r#mod as b};"), "use crate :: { a_1 , mod as b } ;");
        assert_eq!(shown("x: crate::Y<'a>"), "x : crate :: Y < >");
        assert_eq!(shown("1.max(0x2_u8) .. 3.5"), ". max ( ) . . .");
    }

    #[test]
    fn comments_strings_and_characters_hide_what_is_in_them() {
        assert_eq!(shown("a // crate::b\nc /* d /* e */ f */ g"), "a c g");
        assert_eq!(shown(r#"a "b\"c" d b"e\\" f"#), r#"a <b\"c> d <e\\> f"#);
        assert_eq!(shown("a r#\"b\"c\"# d br\"e\\\" f"), "a <b\"c> d <e\\> f");
        assert_eq!(shown(r"a '\'' '{' '\u{1F4A9}' b 'x: 'static c"), "a b : c");
    }

    #[test]
    fn what_is_not_closed_ends_with_the_file() {
        for (source, expected) in
            [("a \"b", "a <b>"), ("a /* b", "a"), ("a 'b", "a"), ("a '", "a"), ("a r#\"b", "a <b>")]
        {
            assert_eq!(shown(source), expected);
        }
    }
}
