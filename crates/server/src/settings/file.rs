//! The file of `--config`: TOML with one key for each setting, the table `[limits]`, and tables `[[issuer]]`. This file
//! checks the keys and the TOML types. The value is checked by the setting's own parser, which gets it as it would be typed.

use std::path::Path;

use fanfare_http::nearest;
use toml::de::{DeTable, DeValue};

use crate::{
    meant::{absent, meant},
    small_file,
};

/// Flags that are not settings. They say what to do with the settings.
pub(super) const NOT_IN_A_FILE: [&str; 2] = ["config", "check"];
/// The table of limits.
const LIMITS: &str = "limits";
/// The name of the tables of issuers.
const ISSUER: &str = "issuer";

/// A key of the file with its value as text. A list has several.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) values: Vec<String>,
    pub(super) line: usize,
}

/// The place of a key in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Above all tables.
    Top,
    /// In the table of limits.
    Limits,
    /// In a table of an issuer.
    Issuer,
}

/// All keys of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// Those above all tables, and the limits.
    pub(super) entries: Vec<Entry>,
    /// Those of each issuer.
    pub(super) issuers: Vec<Vec<Entry>>,
}

/// A key that the file may have.
pub(super) struct Key {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) is_list: bool,
    /// Whether the value must never be shown.
    pub(super) is_secret: bool,
}

/// All keys that the file may have.
pub(super) struct Known<'a> {
    pub(super) keys: &'a [Key],
}

/// The settings in `path`.
///
/// # Errors
/// A sentence with the file, and the line where there is one.
pub(super) fn read(path: &Path, known: &Known<'_>) -> Result<Contents, String> {
    let name = path.display();
    let bytes =
        small_file::whole(path).map_err(|error| format!("cannot read the configuration file {name}: {error}"))?;
    let contents = match str::from_utf8(&bytes) {
        Ok(text) => parse(text, known),
        Err(error) => Err((line_at(&bytes, error.valid_up_to()), "not UTF-8 text".to_owned())),
    };
    contents.map_err(|(line, reason)| format!("{name}, line {line}: {reason}"))
}

/// The number of the line that `offset` is in.
fn line_at(bytes: &[u8], offset: usize) -> usize {
    1 + bytes.iter().take(offset).filter(|&&byte| byte == b'\n').count()
}

/// The settings in `text`; an error has the number of its line.
pub(super) fn parse(text: &str, known: &Known<'_>) -> Result<Contents, (usize, String)> {
    let line_of = |offset: usize| line_at(text.as_bytes(), offset);
    let table = DeTable::parse(text).map_err(|error| {
        let line = line_of(error.span().map_or(0, |span| span.start));
        let cure = known.in_toml(text.lines().nth(line - 1).unwrap_or_default());
        let cure = cure.map(|cure| format!("; {cure}")).unwrap_or_default();
        (line, format!("not TOML: {}{cure}", error.message().trim()))
    })?;
    let all = |table: &DeTable<'_>, place| -> Result<Vec<Entry>, (usize, String)> {
        in_order(table, line_of).map(|(line, name, value)| known.entry(line, name, value, place)).collect()
    };
    let mut contents = Contents::default();
    for (line, name, value) in in_order(table.get_ref(), line_of) {
        match value {
            DeValue::Table(limits) if name == LIMITS => contents.entries.extend(all(limits, Place::Limits)?),
            DeValue::Array(tables) if name == ISSUER && tables.iter().any(|table| is_section(table.get_ref())) => {
                for table in tables {
                    let DeValue::Table(issuer) = table.get_ref() else { return Err((line, ISSUER_FORM.to_owned())) };
                    contents.issuers.push(all(issuer, Place::Issuer)?);
                }
            }
            _ => contents.entries.push(known.entry(line, name, value, Place::Top)?),
        }
    }
    Ok(contents)
}

const ISSUER_FORM: &str = "write [[issuer]] on a line of its own, and each key of the issuer on a line below it";

fn is_section(value: &DeValue<'_>) -> bool {
    matches!(value, DeValue::Table(_))
}

/// The keys of a table with their lines and values, as they stand in the file.
fn in_order<'a>(
    table: &'a DeTable<'_>,
    line_of: impl Fn(usize) -> usize,
) -> impl Iterator<Item = (usize, &'a str, &'a DeValue<'a>)> {
    let mut pairs: Vec<_> = table.iter().collect();
    pairs.sort_by_key(|(key, _)| key.span().start);
    pairs
        .into_iter()
        .map(move |(key, value)| (line_of(key.span().start), AsRef::<str>::as_ref(key.get_ref()), value.get_ref()))
}

impl Known<'_> {
    fn entry(&self, line: usize, name: &str, value: &DeValue<'_>, place: Place) -> Result<Entry, (usize, String)> {
        let values = self.values(name, value, place).map_err(|reason| (line, reason))?;
        Ok(Entry { key: name.to_owned(), values, line })
    }

    fn values(&self, name: &str, value: &DeValue<'_>, place: Place) -> Result<Vec<String>, String> {
        let Some(Key { is_list, is_secret, .. }) = self.key_at(name, place) else {
            return Err(self.unknown(name, value, place));
        };
        match value {
            DeValue::Array(values) if *is_list => values.iter().map(|value| scalar(name, value.get_ref())).collect(),
            DeValue::Array(_) => Err(format!("`{name}` takes one value, not a list")),
            one if *is_list => {
                let shown = scalar(name, one).map(|text| if *is_secret { quoted("...") } else { quoted(&text) })?;
                Err(format!("`{name}` takes a list: write {name} = [{shown}]"))
            }
            one => Ok(vec![scalar(name, one)?]),
        }
    }

    fn key_at(&self, name: &str, place: Place) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name && key.place == place)
    }

    fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The reason why `name` is no setting at its place, and what to write instead.
    fn unknown(&self, name: &str, value: &DeValue<'_>, place: Place) -> String {
        if let Some(key) = self.key(name) {
            return match (key.place, place) {
                (Place::Limits, _) => format!("`{name}` is a limit: write it under [limits], at the end of the file"),
                (_, Place::Limits) => format!("`{name}` is no limit: write it above the line [limits]"),
                (Place::Issuer, _) => format!("`{name}` is a key of an issuer: write it under [[issuer]]"),
                (Place::Top, _) => format!("`{name}` is no key of an issuer: write it above the line [[issuer]]"),
            };
        }
        match value {
            _ if name == LIMITS => {
                return "write [limits] on a line of its own, and each limit on a line below it".to_owned();
            }
            _ if name == ISSUER => return ISSUER_FORM.to_owned(),
            DeValue::Table(_) => return format!("the only sections are [limits] and [[issuer]]: leave [{name}] out"),
            DeValue::Array(tables) if tables.iter().any(|table| is_section(table.get_ref())) => {
                return format!("the only sections are [limits] and [[issuer]]: leave [[{name}]] out");
            }
            _ => {}
        }
        match place {
            Place::Issuer => {
                let names = || self.keys.iter().filter(|key| key.place == place).map(|key| key.name.as_str());
                let near = nearest(&name.to_lowercase(), names());
                let cure = near.map_or_else(
                    || format!("there are {}", names().collect::<Vec<_>>().join(", ")),
                    |near| format!("the nearest is `{near}`"),
                );
                format!("unknown key `{name}` of an issuer; {cure}")
            }
            place => self.unknown_setting(name, place == Place::Limits),
        }
    }

    fn unknown_setting(&self, name: &str, is_limit: bool) -> String {
        let settings = self.keys.iter().filter(|key| key.place != Place::Issuer);
        let near = meant(&name.to_lowercase(), settings.map(|key| key.name.as_str()));
        let cure = match near {
            _ if NOT_IN_A_FILE.contains(&name) => "it is a flag and cannot stand in the file".to_owned(),
            Some("listen") if nearest(name, ["listen"]).is_none() => {
                "address and port are one setting, as in listen = 3001 or listen = \"0.0.0.0:3001\"".to_owned()
            }
            Some(near) => match self.key(near).is_some_and(|key| key.place == Place::Limits) {
                near_is_limit if near_is_limit == is_limit => format!("the nearest is `{near}`"),
                true => format!("the nearest is `{near}` under [limits]"),
                false => format!("the nearest is `{near}` above [limits]"),
            },
            None => {
                absent(name).unwrap_or("`fanfare serve --help` and docs/settings.md have the names of all").to_owned()
            }
        };
        match is_limit {
            true => format!("unknown limit `{name}`; {cure}"),
            false => format!("unknown setting `{name}`; {cure}"),
        }
    }

    /// The right form of a `line` that is no TOML, if only the quotes of its value or its `=` are missing.
    fn in_toml(&self, line: &str) -> Option<String> {
        if DeTable::parse(line).is_ok() {
            return None;
        }
        let (name, value) = line.split_once(['=', ':'])?;
        let Key { name, is_list, is_secret, .. } = self.key(name.trim())?;
        let value = value.split(" #").next().unwrap_or_default().trim();
        let is_bare = |value: &str| !value.is_empty() && !value.contains(['"', '\'', '[', ']', '{', '}']);
        let right = match value {
            // The value is valid TOML, so the `=` is missing.
            value if DeTable::parse(&format!("x = {value}")).is_ok() && !value.is_empty() => {
                let shown = if *is_secret { "\"...\"" } else { value };
                return Some(format!("write = behind the name: {name} = {shown}"));
            }
            value if !is_bare(value) => return None,
            _ if *is_secret => quoted("..."),
            value => quoted(value),
        };
        let right = if *is_list { format!("[{right}]") } else { right };
        Some(format!("put the value in quotes: {name} = {right}"))
    }
}

/// A TOML value as it would be typed after the flag.
fn scalar(key: &str, value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        DeValue::Integer(_) => Err(format!("`{key}`: write the number in decimal")),
        DeValue::Boolean(is) => Ok(is.to_string()),
        DeValue::Table(_) => Err(format!("`{key}` is a table; a setting is a plain key with a value")),
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Array(_) => {
            Err(format!("`{key}` cannot be of type {}; write it as a string, in quotes", value.type_str()))
        }
    }
}

/// `text` as a TOML string.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Returns numbers and booleans unchanged, and any other value in quotes.
pub(super) fn literal(value: &str) -> String {
    let is_number = value == "0" || value.bytes().all(|byte| byte.is_ascii_digit()) && !value.starts_with('0');
    if is_number && !value.is_empty() && value.len() < 19 || matches!(value, "true" | "false") {
        value.to_owned()
    } else {
        quoted(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(text: &str) -> Result<Contents, (usize, String)> {
        let names = ["listen", "shards", "cors-origin", "publish-key", "ring-messages", "head-bytes", "name", "keys"];
        let keys = names.map(|name| Key {
            name: name.to_owned(),
            place: match name {
                "ring-messages" | "head-bytes" => Place::Limits,
                "name" | "keys" => Place::Issuer,
                _ => Place::Top,
            },
            is_list: ["cors-origin", "keys"].contains(&name),
            is_secret: ["publish-key", "keys"].contains(&name),
        });
        parse(text, &Known { keys: &keys })
    }

    fn parsed(text: &str) -> Result<Vec<Entry>, (usize, String)> {
        contents(text).map(|contents| contents.entries)
    }

    #[test]
    fn each_issuer_is_a_table_of_its_own() {
        let text = "[[issuer]]\nname = 'a'\nkeys = ['x,y']\n[limits]\nhead-bytes = 1\n[[issuer]]\nname = 'b'\n";
        let entry = |key: &str, value: &str, line| Entry { key: key.to_owned(), values: vec![value.to_owned()], line };
        let expected = Contents {
            entries: vec![entry("head-bytes", "1", 5)],
            issuers: vec![vec![entry("name", "a", 2), entry("keys", "x,y", 3)], vec![entry("name", "b", 7)]],
        };
        assert_eq!(contents(text).unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_with_an_issuer_is_told_with_its_line_and_without_its_keys() {
        for (text, line, said) in [
            ("issuer = 's3cr3t'", 1, "write [[issuer]] on a line of its own"),
            ("[issuer]\nname = 'a'", 1, "write [[issuer]] on a line of its own"),
            ("[[issuer]]\nnaem = 'a'", 2, "unknown key `naem` of an issuer; the nearest is `name`"),
            ("[[issuer]]\nbananas = 'a'", 2, "unknown key `bananas` of an issuer; there are name, keys"),
            ("[[issuer]]\nlisten = 'a'", 2, "`listen` is no key of an issuer: write it above the line [[issuer]]"),
            ("[[issuer]]\nhead-bytes = 1", 2, "`head-bytes` is a limit: write it under [limits]"),
            ("keys = ['s3cr3t']", 1, "`keys` is a key of an issuer: write it under [[issuer]]"),
            ("[limits]\nkeys = ['s3cr3t']", 2, "`keys` is no limit"),
            ("[[issuer]]\nkeys = 's3cr3t'", 2, "write keys = [\"...\"]"),
            ("[[issuer]]\n[issuer.name]\nx = 1", 2, "`name` is a table"),
        ] {
            let (at, reason) = contents(text).unwrap_err();
            assert!(reason.contains(said) && !reason.contains("s3cr3t"), "{text}: {reason}");
            assert_eq!(at, line, "{text}: {reason}");
        }
    }

    #[test]
    fn keys_come_in_order_with_their_lines_and_values_as_text() {
        let text = "# top\nshards = 1_000\n\nlisten = \"a\\u0062\"\ncors-origin = [\n \"x\",\n \"y\"]\n";
        let entry = |key: &str, values: &[&str], line| Entry {
            key: key.to_owned(),
            values: values.iter().map(|&value| value.to_owned()).collect(),
            line,
        };
        let expected =
            [entry("shards", &["1000"], 2), entry("listen", &["ab"], 4), entry("cors-origin", &["x", "y"], 5)];
        assert_eq!(parsed(text).unwrap(), expected);
        assert_eq!(parsed("cors-origin = []").unwrap(), [entry("cors-origin", &[], 1)]);
        let limits = [entry("listen", &["a"], 1), entry("head-bytes", &["9"], 3), entry("ring-messages", &["2"], 4)];
        assert_eq!(parsed("listen = 'a'\n[limits]\nhead-bytes = 9\nring-messages = 2").unwrap(), limits);
        for text in ["limits.head-bytes = 9", "limits = { head-bytes = 9 }", "[limits]\"head-bytes\" = 9"] {
            let text = text.replace(']', "]\n");
            assert_eq!(parsed(&text).unwrap()[0].values, ["9"], "{text}");
        }
        assert_eq!(parsed("[limits]").unwrap(), []);
    }

    #[test]
    fn what_is_no_setting_names_itself_and_its_line() {
        for (text, line, said) in [
            ("\n[limits]\nring_messages = 1", 3, "unknown limit `ring_messages`; the nearest is `ring-messages`"),
            ("ring_messages = 1", 1, "unknown setting `ring_messages`; the nearest is `ring-messages` under [limits]"),
            ("[limits]\nlissen = 1", 2, "unknown limit `lissen`; the nearest is `listen` above [limits]"),
            ("\nring-messages = 1", 2, "`ring-messages` is a limit: write it under [limits]"),
            ("[limits]\nlisten = 1", 2, "`listen` is no limit: write it above the line [limits]"),
            ("[limits]\nring-messages = [1]", 2, "takes one value"),
            ("[limits.x]\nring-messages = 1", 1, "the only sections are [limits] and [[issuer]]: leave [x] out"),
            ("limits = 1", 1, "write [limits] on a line of its own"),
            ("[[limits]]\nring-messages = 1", 1, "write [limits] on a line of its own"),
            ("lissen = 1", 1, "`listen`"),
            ("port = 3001", 1, "unknown setting `port`; address and port are one setting, as in listen = 3001"),
            ("https = true", 1, "unknown setting `https`; https needs a certificate: --tls-cert and --tls-key"),
            ("bananas = 1", 1, "`fanfare serve --help` and docs/settings.md"),
            ("config = 'x'", 1, "it is a flag"),
            ("\n[server]\nlisten = 1", 2, "the only sections are [limits] and [[issuer]]: leave [server] out"),
            ("[[server]]\nlisten = 1", 1, "the only sections are [limits] and [[issuer]]: leave [[server]] out"),
            ("listen = 'a'\n[shards]\nx = 1", 2, "`shards` is a table"),
            ("listen.port = 1", 1, "`listen` is a table"),
            ("listen = 1.5", 1, "of type float"),
            ("listen = 0x10", 1, "in decimal"),
            ("listen = ['a']", 1, "takes one value"),
            ("cors-origin = 'a'", 1, "write cors-origin = [\"a\"]"),
            ("cors-origin = [['a']]", 1, "of type array"),
            ("listen = 'a'\nlisten = 'b'", 2, "not TOML: duplicate key"),
            ("listen = 'a'\nlisten", 2, "not TOML"),
            ("listen = 'a", 1, "not TOML"),
        ] {
            let (at, reason) = parsed(text).unwrap_err();
            assert!(reason.contains(said), "{text}: {reason}");
            assert_eq!(at, line, "{text}: {reason}");
        }
    }

    #[test]
    fn a_value_without_its_quotes_is_shown_with_them() {
        for (line, cure) in [
            ("listen = 127.0.0.1:3001", Some("put the value in quotes: listen = \"127.0.0.1:3001\"")),
            ("listen=localhost:3001 # here", Some("put the value in quotes: listen = \"localhost:3001\"")),
            ("cors-origin = https://a.org", Some("put the value in quotes: cors-origin = [\"https://a.org\"]")),
            ("publish-key = s3cr3t", Some("put the value in quotes: publish-key = \"...\"")),
            ("listen: 3001", Some("write = behind the name: listen = 3001")),
            ("publish-key: 's3cr3t'", Some("write = behind the name: publish-key = \"...\"")),
            ("publish-key: s3cr3t", Some("put the value in quotes: publish-key = \"...\"")),
            ("listen = 'a", None),
            ("listen = ", None),
            ("listen", None),
            ("other = x", None),
        ] {
            let (at, reason) = parsed(&format!("shards = 1\n{line}")).unwrap_err();
            let shown = reason.split_once("; ").map(|(_, cure)| cure);
            assert_eq!((at, shown), (2, cure), "{line}: {reason}");
            assert!(!reason.contains("s3cr3t"), "{reason}");
        }
        // Neither line is wrong alone.
        let (_, reason) = parsed("shards = 1\nshards = 2").unwrap_err();
        assert!(reason.ends_with("duplicate key"), "{reason}");
    }

    #[test]
    fn a_quoted_text_reads_back() {
        for text in ["", "a", "\"\\", "tab\tline\n\u{7f}\u{85}", "ü"] {
            let line = format!("listen = {}", quoted(text));
            assert_eq!(parsed(&line).unwrap()[0].values, [text], "{line}");
        }
    }

    #[test]
    fn a_literal_is_what_toml_reads_back_as_the_same_text() {
        for (value, shown) in [
            ("0", "0"),
            ("12", "12"),
            ("012", "\"012\""),
            ("", "\"\""),
            ("true", "true"),
            ("-1", "\"-1\""),
            ("15s", "\"15s\""),
            ("99999999999999999999", "\"99999999999999999999\""),
        ] {
            assert_eq!(literal(value), shown);
        }
    }
}
