//! The value of `--log`: a level for everything, levels for single targets, or both. The parser of tracing takes a
//! misspelt level for the name of a target, and the log then stays empty. Therefore this file checks the text first.

use fanfare_http::nearest;
use tracing_subscriber::EnvFilter;

/// Levels, the one with the fewest lines first. There is no `trace`: a release build leaves such lines out.
const LEVELS: [&str; 5] = ["off", "error", "warn", "info", "debug"];
/// Names of these levels in other programs.
const ALSO: [(&str, &str); 7] = [
    ("none", "off"),
    ("silent", "off"),
    ("err", "error"),
    ("warning", "warn"),
    ("notice", "info"),
    ("trace", "debug"),
    ("verbose", "debug"),
];
const ALL_LEVELS: &str = "the levels are off, error, warn, info and debug";
/// The crates of this server that write log lines. The names of libraries are targets too.
const CRATES: [&str; 4] = ["fanfare", "fanfare_disk", "fanfare_http", "fanfare_redis"];

/// Returns the filter as tracing takes it.
///
/// # Errors
/// A sentence that names the part that is wrong, and what to write instead.
pub(super) fn filter(text: &str) -> Result<String, String> {
    let mut parts = Vec::new();
    let mut for_all: Option<String> = None;
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let Some((target, level)) = part.split_once('=') else {
            let level = known_level(part)?;
            if let Some(other) = for_all.replace(level.clone()) {
                return Err(format!("`{other}` and `{level}` are both for every target: leave one out"));
            }
            parts.push(level);
            continue;
        };
        check_target(target).map_err(|reason| format!("`{part}`: {reason}"))?;
        let level = known_level(level).map_err(|reason| format!("`{part}`: {reason}"))?;
        parts.push(format!("{target}={level}"));
    }
    if parts.is_empty() {
        return Err(format!("there is no level; {ALL_LEVELS}"));
    }
    let filter = parts.join(",");
    EnvFilter::try_new(&filter).map_err(|error| error.to_string())?;
    Ok(filter)
}

fn known_level(text: &str) -> Result<String, String> {
    let level = text.to_ascii_lowercase();
    if LEVELS.contains(&level.as_str()) {
        return Ok(level);
    }
    let names = LEVELS.into_iter().chain(ALSO.map(|(also, _)| also));
    let near = nearest(text, names).map(|name| ALSO.iter().find(|(also, _)| *also == name).map_or(name, |(_, is)| is));
    Err(match near {
        Some(near) => format!("`{text}` is no level: the nearest is `{near}`; {ALL_LEVELS}"),
        None => {
            format!("`{text}` is no level; {ALL_LEVELS}, and a level for one target only is `fanfare_http=debug`")
        }
    })
}

/// Checks a target: the path of a module, or its beginning. Any library may have one, so only a name that looks like a
/// misspelt crate of this server is refused.
fn check_target(target: &str) -> Result<(), String> {
    let is_path = |byte: u8| byte.is_ascii_alphanumeric() || b"_-:.".contains(&byte);
    if target.is_empty() || !target.bytes().all(is_path) {
        return Err("write a target before `=`, as in `fanfare_http=debug`".to_owned());
    }
    let name = target.split(':').next().unwrap_or_default();
    if CRATES.iter().any(|known| known.starts_with(name)) {
        return Ok(());
    }
    match nearest(name, CRATES) {
        Some(near) => Err(format!("nothing is logged under `{name}`: the nearest is `{near}`")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_level_and_levels_of_targets() {
        for (text, is) in [
            ("info", "info"),
            ("OFF", "off"),
            ("warn,fanfare=debug", "warn,fanfare=debug"),
            (" warn , fanfare_http=Debug,", "warn,fanfare_http=debug"),
            ("fanfare_http::publish=debug", "fanfare_http::publish=debug"),
            ("hyper=debug,info", "hyper=debug,info"),
            ("fan=error", "fan=error"),
        ] {
            assert_eq!(filter(text).as_deref(), Ok(is), "{text}");
        }
    }

    #[test]
    fn what_would_silence_the_log_is_refused_with_the_nearest_level() {
        for (text, said) in [
            ("inof", "`inof` is no level: the nearest is `info`"),
            ("wran", "the nearest is `warn`"),
            ("warning", "the nearest is `warn`"),
            ("trace", "the nearest is `debug`"),
            ("verbose", "the nearest is `debug`"),
            ("fanfare", "a level for one target only is `fanfare_http=debug`"),
            ("3", "the levels are off, error, warn, info and debug"),
            ("", "there is no level"),
            (" , ", "there is no level"),
            ("info,deubg", "`deubg` is no level: the nearest is `debug`"),
            ("info,warn", "`info` and `warn` are both for every target"),
            ("fanfare=loud", "`fanfare=loud`: `loud` is no level"),
            ("fanfare=inof", "the nearest is `info`"),
            ("fanfare=", "`` is no level"),
            ("=info", "write a target before `=`"),
            ("a[b]=info", "write a target before `=`"),
            ("fanfrae=debug", "the nearest is `fanfare`"),
            ("fanfare_htpp::publish=debug", "the nearest is `fanfare_http`"),
            ("fanfare-http=debug", "the nearest is `fanfare_http`"),
        ] {
            let error = filter(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
