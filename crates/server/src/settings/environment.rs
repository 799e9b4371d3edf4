//! Environment variables that begin with `FANFARE_` and that the server does not read. Most of them are misspelt
//! settings.
//!
//! Most are only a warning, because environments are shared: Kubernetes adds variables for each Service of a
//! namespace, and other tools may use the prefix. None of these may keep a server from starting. A variable with the
//! name of a limit is an error, because limits are allowed only in the file.

use std::ffi::OsString;

use super::limits::place;
use crate::{
    harmless::harmless,
    meant::{absent, meant},
};

const PREFIX: &str = "FANFARE_";
/// Prefix of variables for the tests of this project.
const OF_TESTS: &str = "FANFARE_TEST_";

/// Refuses variables with the names of `limits`, because they would have no effect.
///
/// # Errors
/// A sentence that says where the limit stands.
pub(super) fn refuse_limits(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    limits: &[String],
) -> Result<(), String> {
    let is_limit = |variable: &str| limits.iter().any(|limit| as_variable(limit) == variable);
    let variables = variables.into_iter().filter_map(|(name, _)| name.into_string().ok());
    match variables.filter(|variable| is_limit(variable)).min() {
        Some(variable) => Err(format!("{variable}: it is {}", place(&as_flag(&variable)))),
        None => Ok(()),
    }
}

/// A sentence for each of `variables` that begins with our prefix and is not among the `known` names. Values are not
/// shown, because one may be a key.
pub(super) fn unread(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    known: &[impl AsRef<str>],
    limits: &[String],
) -> Vec<String> {
    let mut names: Vec<_> = variables
        .into_iter()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .filter(|(name, value)| {
            let is_known = known.iter().any(|known| known.as_ref() == name) || name.starts_with(OF_TESTS);
            name.starts_with(PREFIX) && !is_known && !is_of_kubernetes(name, value)
        })
        .map(|(name, _)| name)
        .collect();
    names.sort();
    names.iter().map(|name| told(name, known, limits)).collect()
}

fn told(name: &str, known: &[impl AsRef<str>], limits: &[String]) -> String {
    let settings: Vec<_> = known.iter().map(|known| as_flag(known.as_ref())).collect();
    let typed = as_flag(name);
    let cure = match meant(&typed, settings.iter().chain(limits).map(String::as_str)) {
        Some(near) if limits.iter().any(|limit| limit == near) => format!("the nearest is {}", place(near)),
        Some(near) => format!("the nearest is `{}`", as_variable(near)),
        None => absent(&typed).unwrap_or("`fanfare serve --help` has the names of all").to_owned(),
    };
    format!("the environment variable `{}` is no setting and has no effect; {cure}", harmless(name))
}

/// Turns `FANFARE_PUBLISH_KEY` into `publish-key`.
fn as_flag(variable: &str) -> String {
    variable.strip_prefix(PREFIX).unwrap_or(variable).to_lowercase().replace('_', "-")
}

/// Turns `publish-key` into `FANFARE_PUBLISH_KEY`.
fn as_variable(setting: &str) -> String {
    format!("{PREFIX}{}", setting.replace('-', "_").to_uppercase())
}

/// Whether the variable describes a Service of Kubernetes. For a Service named `fanfare` the variables are
/// `FANFARE_SERVICE_HOST`, `FANFARE_SERVICE_PORT`, `FANFARE_SERVICE_PORT_HTTP`, `FANFARE_PORT=tcp://10.0.0.1:3000`,
/// `FANFARE_PORT_3000_TCP` and this with `_PROTO`, `_PORT` and `_ADDR`. For `fanfare-redis` they begin with
/// `FANFARE_REDIS`. `FANFARE_PORT=3001` is not one of them but a mistake.
fn is_of_kubernetes(name: &str, value: &str) -> bool {
    let is_service = name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT");
    is_service
        || name.contains("_SERVICE_PORT_")
        || name.ends_with("_PORT") && value.contains("://")
        || name.split_once("_PORT_").is_some_and(|(_, rest)| is_port(rest))
}

/// Whether the text is `3000_TCP`, or this with one word behind it.
fn is_port(text: &str) -> bool {
    let mut words = text.split('_');
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    words.next().is_some_and(is_number)
        && words.next().is_some_and(|word| ["TCP", "UDP", "SCTP"].contains(&word))
        && words.next().is_none_or(|word| ["PROTO", "PORT", "ADDR"].contains(&word))
        && words.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["FANFARE_LISTEN", "FANFARE_PUBLISH_KEY", "FANFARE_REDIS", "FANFARE_LOG"];

    fn told_of(variables: &[(&str, &str)]) -> Vec<String> {
        unread(variables.iter().map(|&(name, value)| (name.into(), value.into())), &KNOWN, &limits())
    }

    fn limits() -> Vec<String> {
        ["ring-messages", "head-bytes"].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_variable_with_the_name_of_a_limit_is_refused() {
        let refused = |name: &str| refuse_limits([("PATH".into(), "/".into()), (name.into(), "5".into())], &limits());
        let error = refused("FANFARE_RING_MESSAGES").unwrap_err();
        let said = "FANFARE_RING_MESSAGES: it is a key of the settings file: ring-messages under [limits]";
        assert!(error.starts_with(said), "{error}");
        for other in ["FANFARE_LISTEN", "FANFARE_RING", "RING_MESSAGES", "fanfare_ring_messages"] {
            assert_eq!(refused(other), Ok(()), "{other}");
        }
    }

    #[test]
    fn a_misspelt_variable_is_told_with_the_nearest_and_without_its_value() {
        for (name, near) in [
            ("FANFARE_LISSEN", "`FANFARE_LISTEN`"),
            ("FANFARE_PUBLISHKEY", "`FANFARE_PUBLISH_KEY`"),
            ("FANFARE_PUBLISH_KEYS", "`FANFARE_PUBLISH_KEY`"),
            ("FANFARE_KEY", "`FANFARE_PUBLISH_KEY`"),
            ("FANFARE_PORT", "`FANFARE_LISTEN`"),
            ("FANFARE_HOST", "`FANFARE_LISTEN`"),
            ("FANFARE_LOG_LEVEL", "`FANFARE_LOG`"),
            ("FANFARE_RING_MESAGES", "ring-messages under [limits]"),
            ("FANFARE_HTTPS", "https needs a certificate"),
            ("FANFARE_OTHER", "`fanfare serve --help`"),
            ("FANFARE_", "`fanfare serve --help`"),
        ] {
            let told = told_of(&[(name, "s3cr3t")]);
            let [told] = &told[..] else { panic!("{name}: {told:?}") };
            assert!(told.contains(&format!("`{name}`")) && told.contains(near), "{told}");
            assert!(!told.contains("s3cr3t"), "{told}");
        }
    }

    #[test]
    fn what_is_known_or_has_another_reason_is_not_told() {
        let address = "tcp://10.0.0.1:3000";
        let others = [
            ("FANFARE_LISTEN", "3001"),
            ("FANFARE_TEST_REDIS_SERVER", "valkey-server"),
            ("PATH", "/bin"),
            ("MY_FANFARE_LISSEN", "x"),
            ("FANFARE_SERVICE_HOST", "10.0.0.1"),
            ("FANFARE_SERVICE_PORT", "3000"),
            ("FANFARE_SERVICE_PORT_HTTP", "3000"),
            ("FANFARE_PORT", address),
            ("FANFARE_PORT_3000_TCP", address),
            ("FANFARE_PORT_3000_TCP_PROTO", "tcp"),
            ("FANFARE_PORT_3000_TCP_PORT", "3000"),
            ("FANFARE_PORT_3000_TCP_ADDR", "10.0.0.1"),
            ("FANFARE_REDIS_SERVICE_HOST", "10.0.0.2"),
            ("FANFARE_REDIS_PORT", "tcp://10.0.0.2:6379"),
            ("FANFARE_REDIS_PORT_6379_TCP_ADDR", "10.0.0.2"),
        ];
        assert_eq!(told_of(&others), [""; 0]);
        for name in ["FANFARE_PORT_TCP", "FANFARE_PORT_3000_HTTP", "FANFARE_PORT_3000_TCP_X", "FANFARE_PORT_X_TCP"] {
            assert_eq!(told_of(&[(name, "1")]).len(), 1, "{name}");
        }
    }

    #[test]
    fn several_come_in_order() {
        let told = told_of(&[("FANFARE_B_B", ""), ("FANFARE_A_A", "")]);
        assert!(told.len() == 2 && told[0].contains("FANFARE_A_A"), "{told:?}");
    }
}
