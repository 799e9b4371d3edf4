//! [`nearest`]: the known name that a misspelt one was probably meant to be. Settings and query parameters are told by it.

/// Letters a name must have before anything is near it: nothing can be said of `t` or `cb`.
const LETTERS_MIN: usize = 3;
/// A longer name is no slip of the finger, and takes long to compare.
const LETTERS_MAX: usize = 32;
/// A name may differ from what was meant in one letter of so many.
const LETTERS_PER_ERROR: usize = 3;

/// The name among `known` that is nearest to `typed`, if one is near.
///
/// Near is one wrong, missing, doubled or exchanged letter of three. Case, `-` and `_` make no difference. In a name of three
/// letters the first one must be right, because `sid` is rarely meant to be `id`.
///
/// ```
/// use fanfare_http::nearest;
///
/// assert_eq!(nearest("chanel", ["channel", "client"]), Some("channel"));
/// assert_eq!(nearest("topic", ["channel", "client"]), None);
/// ```
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if typed.len() > 4 * LETTERS_MAX {
        return None;
    }
    let typed = folded(typed);
    let letters = typed.chars().count();
    if !(LETTERS_MIN..=LETTERS_MAX).contains(&letters) {
        return None;
    }
    let is_short = letters == LETTERS_MIN;
    let near = known.into_iter().filter_map(|name| {
        let folded = folded(name);
        let distance = strsim::damerau_levenshtein(&folded, &typed);
        let is_near =
            distance <= letters / LETTERS_PER_ERROR && (!is_short || folded.chars().next() == typed.chars().next());
        is_near.then_some((distance, name))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

fn folded(name: &str) -> String {
    name.chars().filter(|letter| !matches!(letter, '-' | '_')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 7] = ["id", "channel", "since", "last_event_id", "heartbeat", "event", "retry"];

    #[test]
    fn a_slip_of_the_finger_is_near() {
        for (typed, meant) in [
            ("chanel", "channel"),
            ("channels", "channel"),
            ("Channel", "channel"),
            ("cahnnel", "channel"),
            ("evnt", "event"),
            ("ids", "id"),
            ("lastEventID", "last_event_id"),
            ("heart-beat", "heartbeat"),
        ] {
            assert_eq!(nearest(typed, KNOWN), Some(meant), "{typed}");
        }
    }

    #[test]
    fn the_longest_name_that_is_looked_at_has_32_letters() {
        let known = ["x".repeat(31)];
        let known = || known.iter().map(String::as_str);
        assert!(nearest(&"x".repeat(32), known()).is_some() && nearest(&"x".repeat(33), known()).is_none());
        assert_eq!(nearest(&"\u{10348}".repeat(33), ["x"]), None);
    }

    #[test]
    fn another_word_is_not() {
        for typed in
            ["_", "t", "cb", "ts", "v", "sid", "uid", "nonce", "rand", "nocache", "access_token", "utm_source", "", "é"]
        {
            assert_eq!(nearest(typed, KNOWN), None, "{typed}");
        }
    }
}
