//! Reads single texts from cargo's JSON output. A search for keys, not a parser: if a nested object has the same key,
//! the first one is found. Callers therefore cut the text to the right object.

/// The text behind the first `"key":`. `None` if there is no such key, or if its value is not a text.
pub(crate) fn text(json: &str, key: &str) -> Option<String> {
    let mut rest = behind(json, key)?.strip_prefix('"')?.chars();
    let mut text = String::new();
    loop {
        match rest.next()? {
            '"' => return Some(text),
            '\\' => text.push(match rest.next()? {
                escaped @ ('"' | '\\' | '/') => escaped,
                'n' => '\n',
                't' => '\t',
                _ => return None,
            }),
            plain => text.push(plain),
        }
    }
}

/// The rest of the JSON behind the first `"key":`.
pub(crate) fn behind<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    json.split_once(&format!("\"{key}\":")).map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_by_its_key() {
        let json = r#"{"a":"one","b":{"name":"two"},"name":"three","c":null,"d":"C:\\x \"y\""}"#;
        assert_eq!(text(json, "a").as_deref(), Some("one"));
        assert_eq!(text(json, "name").as_deref(), Some("two"));
        assert_eq!(text(behind(json, "name").unwrap(), "name").as_deref(), Some("three"));
        assert_eq!(text(json, "d").as_deref(), Some(r#"C:\x "y""#));
    }

    #[test]
    fn what_is_no_text_or_not_whole_is_not_guessed() {
        for json in ["{}", r#"{"a":null}"#, r#"{"a":"x"#, r#"{"a":"\u00e4"}"#] {
            assert_eq!(text(json, "a"), None, "{json}");
        }
    }
}
