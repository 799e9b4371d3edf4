//! Errors of the Redis library: the code of the server, whether a setting has to change, and words for an operator.

use redis::{ErrorKind, RedisError};

/// Largest number of characters of a foreign text.
const WORDS_MAX: usize = 200;
/// Codes of errors that a changed setting mends, of Fanfare or of the server.
const SETTINGS: [&str; 4] = ["NOAUTH", "WRONGPASS", "NOPERM", "WRONGTYPE"];
/// Words of such errors that have no code of their own.
const SETTING_WORDS: [&str; 6] = [
    // Valkey 9.1. Redis has the code NOPERM before it.
    "ACL failure in script",
    "DB index is out of range",
    "cluster support disabled",
    "unknown command",
    "can't run this command",
    "invalid peer certificate",
];

/// Whether a setting has to change, of Fanfare or of the server.
pub(crate) fn is_setting(error: &RedisError) -> bool {
    let has_code = code(error).is_some_and(|code| SETTINGS.contains(&code));
    let text = error.to_string();
    has_code
        || matches!(error.kind(), ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig)
        || SETTING_WORDS.iter().any(|words| text.contains(words))
}

/// The code of an error that the server sent. Before Redis 7 the code of a failed command in a script stands within the
/// text of another error: `ERR Error running script (call to f_...): @user_script:9: -READONLY You can't ...`.
pub(crate) fn code(error: &RedisError) -> Option<&str> {
    let code = error.code()?;
    let within =
        error.detail().and_then(|detail| detail.split_once(": -")).and_then(|(_, rest)| rest.split(' ').next());
    let is_code = |code: &&str| !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_uppercase());
    Some(within.filter(is_code).unwrap_or(code))
}

/// The text of an error, in the server's own words if the server sent it.
pub(crate) fn words(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some("NOAUTH"), _) => "NOAUTH: Redis wants a password: FANFARE_REDIS=redis://:PASSWORD@HOST:PORT".to_owned(),
        // The library does not hand on the words of the server.
        _ if error.kind() == ErrorKind::AuthenticationFailed => {
            "Redis refuses the password in --redis (FANFARE_REDIS), or has none: then leave it out".to_owned()
        }
        _ if error.is_timeout() => "no answer in time".to_owned(),
        (Some(code), detail) => {
            // The line of the script is no help.
            let detail = detail.unwrap_or_default();
            let place = detail.rfind(" script: ").filter(|at| detail[*at..].contains("@user_script"));
            plain(&format!("{code} {}", &detail[..place.unwrap_or(detail.len())]))
        }
        _ if error.kind() == ErrorKind::Parse => "it does not answer as Redis does".to_owned(),
        _ => plain(&error.to_string()),
    }
}

/// One line of foreign text, and not a long one.
pub(crate) fn plain(text: &str) -> String {
    let is_space = |character: char| character.is_whitespace() || character.is_control();
    let words: Vec<_> = text.split(is_space).filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(WORDS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use redis::make_extension_error;

    use super::*;

    fn error(code: &str, detail: &str) -> RedisError {
        make_extension_error(code.to_owned(), Some(detail.to_owned()))
    }

    #[test]
    fn what_a_script_was_refused_is_found_in_the_words_of_every_version() {
        let old = "Error running script (call to f_1b): @user_script:54: -READONLY You can't write against a replica.";
        assert_eq!(code(&error("ERR", old)), Some("READONLY"));
        assert_eq!(code(&error("OOM", "command not allowed script: 32f1, on @user_script:54.")), Some("OOM"));
        assert_eq!(code(&error("ERR", "value: -1 is out of range")), Some("ERR"));
    }

    #[test]
    fn words_are_one_line_without_the_line_of_a_script() {
        let full =
            error("OOM", "command not allowed when used memory > 'maxmemory'. script: 32f1, on @user_script:54.");
        assert_eq!(words(&full), "OOM command not allowed when used memory > 'maxmemory'.");
        let rights = error(
            "NOPERM",
            "ACL failure in script: no permissions to run the 'hdel' command script: 1b, on @user_script:32.",
        );
        assert_eq!(words(&rights), "NOPERM ACL failure in script: no permissions to run the 'hdel' command");
        assert_eq!(plain("a\n b\tc\u{1b}[1m"), "a b c [1m");
        assert_eq!(plain(&"x".repeat(1_000)).len(), WORDS_MAX);
    }

    #[test]
    fn what_settings_have_to_be_changed_for_is_told_apart() {
        for (code, detail) in [
            ("WRONGPASS", "x"),
            ("ERR", "DB index is out of range"),
            ("ERR", "unknown command 'X'"),
            ("ERR", "ACL failure in script: User node has no permissions to run the 'zpopmin' command"),
        ] {
            assert!(is_setting(&error(code, detail)), "{code} {detail}");
        }
        assert!(!is_setting(&error("LOADING", "x")));
    }
}
