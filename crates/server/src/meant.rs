//! [`meant`]: the setting that somebody wanted who has typed a name that does not exist; and [`with_cure`], which says so in
//! the error on an unknown flag.

use clap::{
    Command, Error,
    error::{ContextKind, ContextValue, ErrorKind},
};
use fanfare_http::nearest;

/// What other programs call a setting, folded as by [`folded`].
const OTHER_NAMES: [(&str, &str); 21] = [
    ("p", "listen"),
    ("port", "listen"),
    ("host", "listen"),
    ("bind", "listen"),
    ("bindaddress", "listen"),
    ("addr", "listen"),
    ("address", "listen"),
    ("listenaddress", "listen"),
    ("level", "log"),
    ("loglevel", "log"),
    ("verbose", "log"),
    ("key", "publish-key"),
    ("apikey", "publish-key"),
    ("token", "publish-key"),
    ("cors", "cors-origin"),
    ("threads", "shards"),
    ("workers", "shards"),
    ("redisurl", "redis"),
    ("journalpath", "journal"),
    ("datadir", "journal"),
    ("maxconnections", "connections-max"),
];

/// The name among `known` that `typed` was probably meant to be.
pub(crate) fn meant<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<_> = known.into_iter().collect();
    let typed = typed.trim_start_matches('-');
    let setting_of = |other: &str| {
        let (_, setting) = OTHER_NAMES.iter().find(|(name, _)| *name == other)?;
        known.iter().find(|name| folded(name) == folded(setting)).copied()
    };
    let others = OTHER_NAMES.map(|(other, _)| other);
    setting_of(&folded(typed))
        .or_else(|| nearest(typed, known.iter().copied()))
        .or_else(|| setting_of(nearest(typed, others)?))
}

/// Case, `-` and `_` make no difference.
fn folded(name: &str) -> String {
    name.chars().filter(|letter| !matches!(letter, '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// Names the flag of `command` that was meant by an unknown one. Where nothing is near, what clap suggests stays.
pub(crate) fn with_cure(mut error: Error, command: &Command) -> Error {
    let (ErrorKind::UnknownArgument, Some(ContextValue::String(typed))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    else {
        return error;
    };
    let flags = command.get_arguments().filter_map(|arg| arg.get_long());
    let Some(flag) = meant(typed, flags).map(ToOwned::to_owned) else { return error };
    if flag == "listen" && nearest(typed, ["listen"]).is_none() {
        error.remove(ContextKind::SuggestedArg);
        let cure = "address and port are one setting, as in '--listen 3001' or '--listen 0.0.0.0:3001'".into();
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![cure]));
    } else {
        error.insert(ContextKind::SuggestedArg, ContextValue::String(format!("--{flag}")));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_other_programs_or_a_slip_is_a_setting() {
        let known = ["listen", "publish-key", "heartbeat", "log"];
        for (typed, is) in [
            ("--port", Some("listen")),
            ("-p", Some("listen")),
            ("PORT", Some("listen")),
            ("PROT", Some("listen")),
            ("bind-address", Some("listen")),
            ("lissen", Some("listen")),
            ("heart-beat", Some("heartbeat")),
            ("LOG_LEVEL", Some("log")),
            ("workers", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(meant(typed, known), is, "{typed}");
        }
        assert_eq!(meant("KEY", ["LISTEN", "PUBLISH_KEY"]), Some("PUBLISH_KEY"));
    }
}
