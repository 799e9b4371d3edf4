//! Text of others, made harmless: characters that steer a terminal, break a line or change the direction of text become
//! codes like `\u{1b}`. The log, the printer and every error use this file.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
};

/// Whether the character does anything else than print. Joiners and other marks without width count: with them two
/// names look the same.
fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Replaces harmful characters. Line breaks and tabs stay.
pub(crate) fn harmless(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => harmless.push(character),
            character if is_harmful(character) => harmless.extend(character.escape_default()),
            character => harmless.push(character),
        }
    }
    harmless
}

/// Replaces harmful characters of a text that is JSON, and ends with a line break or not. It stays the same JSON: such
/// characters stand in strings only.
pub(crate) fn harmless_json(text: &str) -> Cow<'_, str> {
    let (line, end) = text.strip_suffix('\n').map_or((text, ""), |line| (line, "\n"));
    if !line.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut harmless = String::with_capacity(text.len() + 16);
    for character in line.chars() {
        if is_harmful(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // A String takes everything.
                let _ = write!(harmless, "\\u{unit:04x}");
            }
        } else {
            harmless.push(character);
        }
    }
    harmless.push_str(end);
    Cow::Owned(harmless)
}

/// Writes to the one below without harmful characters. Line breaks are harmful here: what is written is one line.
#[derive(Debug)]
pub(crate) struct OneLine<W>(pub(crate) W);

impl<W: fmt::Write> fmt::Write for OneLine<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((at, harmful)) = rest.char_indices().find(|(_, character)| is_harmful(*character)) {
            self.0.write_str(&rest[..at])?;
            write!(self.0, "{}", harmful.escape_default())?;
            rest = &rest[at + harmful.len_utf8()..];
        }
        self.0.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A character of each kind.
    const HARMFUL: [char; 12] = [
        '\0',
        '\u{7}',
        '\r',
        '\u{1b}',
        '\u{7f}',
        '\u{85}',
        '\u{9b}',
        '\u{200b}',
        '\u{2028}',
        '\u{202e}',
        '\u{2066}',
        '\u{e0041}',
    ];

    #[test]
    fn what_prints_stays() {
        for text in ["", "a b\tc\n", "\"quoted\\ '", "gr\u{fc}n \u{4e2d}\u{6587} e\u{301}", "\u{1f389}"] {
            assert_eq!(harmless(text), text);
            assert_eq!(harmless_json(text), text.replace('\t', "\\u0009"));
        }
    }

    #[test]
    fn what_steers_a_terminal_becomes_a_code() {
        for character in HARMFUL {
            let code = format!("a\\u{{{:x}}}b", u32::from(character)).replace("\\u{d}", "\\r");
            let text = format!("a{character}b");
            assert_eq!(harmless(&text), code);
            let mut line = OneLine(String::new());
            write!(line, "{text}").unwrap();
            assert_eq!(line.0, code);
        }
        let mut line = OneLine(String::new());
        write!(line, "a\nb\tc\u{202e}").unwrap();
        assert_eq!(line.0, "a\\nb\\tc\\u{202e}");
    }

    #[test]
    fn json_says_the_same_with_codes() {
        for character in HARMFUL {
            let text = format!("a{character}b \"\\");
            let line = serde_json::to_string(&text).unwrap() + "\n";
            let made = harmless_json(&line);
            assert!(!made.trim_end().chars().any(is_harmful) && made.ends_with('\n'), "{made:?}");
            assert_eq!(serde_json::from_str::<String>(&made).unwrap(), text);
        }
    }
}
