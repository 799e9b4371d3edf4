//! `fanfare token explain`: what a token says, which rules it keeps, and what it allows here.

use std::{
    fmt::{self, Write as _},
    io::{Write as _, stderr, stdout},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use fanfare_core::Pattern;
use fanfare_grants::{ApiKeys, Check, Explanation, Grant, GrantLimits, Judged, Said};
use humantime::{format_duration, format_rfc3339_seconds};

use super::input::{read_input, unix_ms};
use crate::{
    access::{self, Source, fetch},
    client,
    failure::Failure,
    harmless::harmless,
    settings::{AccessPlan, Settings},
    small_file,
};

/// Claims that are times.
const TIMES: [&str; 3] = ["exp", "nbf", "iat"];
/// Latest second that is shown as a time: the end of the year 9999.
const SECONDS_MAX: u64 = 253_402_300_799;

/// Prints everything about the token. Fails if it is refused.
pub(super) fn run(token: Option<&str>, settings: &Settings) -> Result<(), Failure> {
    let plan = settings.serve.access().map_err(Failure::usage)?;
    if plan.issuers.is_empty() && plan.api_keys.is_none() {
        return Err(Failure::usage(
            "there is no key to check it with: give --token-key, or the file of the server with --config",
        ));
    }
    let token = match token {
        Some(token) if token != "-" => token.to_owned(),
        _ => read_input("the token")?,
    };
    let token = token.trim();
    let (tokens, sources) = access::tokens(&plan).map_err(Failure::usage)?;
    let judged = if !token.contains('.') && plan.api_keys.is_some() {
        of_api_key(token, &plan)?
    } else {
        fetch_all(&sources)?;
        let explanation = tokens.explain(token.as_bytes(), unix_ms());
        (told(&explanation), explanation.outcome.map_err(|refused| refused.to_string()))
    };
    let (mut text, outcome) = judged;
    if let Ok(grant) = &outcome {
        let _ = write!(text, "{}", Allowed { grant, plan: &plan });
    }
    // A reader that closes the output has seen enough.
    let _ = stdout().lock().write_all(text.as_bytes());
    outcome.map(drop).map_err(|rule| Failure::failed(format!("refused: {rule}")))
}

/// Fetches the keys that are behind addresses. Tokens of those that cannot be fetched are refused, as by a server.
fn fetch_all(sources: &[Source]) -> Result<(), Failure> {
    if sources.is_empty() {
        return Ok(());
    }
    client::run(async {
        for source in sources {
            if let Err(reason) = fetch(source).await {
                let _ = writeln!(stderr(), "warning: {source}: cannot be fetched: {reason}");
            }
        }
        Ok(())
    })
}

type Outcome = (String, Result<Grant, String>);

/// The judgement of a publisher's key.
fn of_api_key(key: &str, plan: &AccessPlan) -> Result<Outcome, Failure> {
    let path = plan.api_keys.as_deref().unwrap_or_else(|| std::path::Path::new(""));
    let at = |reason: String| Failure::usage(format!("--api-keys: {}: {reason}", path.display()));
    let bytes = small_file::keys(path).map_err(|reason| Failure::usage(format!("--api-keys: {reason}")))?;
    let text = str::from_utf8(&bytes).map_err(|_| at("not UTF-8 text".to_owned()))?;
    let keys = ApiKeys::parse(text).map_err(|error| at(error.to_string()))?;
    match keys.find(key.as_bytes(), unix_ms()) {
        Ok(grant) => Ok((format!("the key of the publisher {}\n", grant.holder), Ok(Grant::clone(&grant)))),
        Err(refused) => Ok((String::new(), Err(refused.to_string()))),
    }
}

/// What the token says, and the rules that it keeps.
fn told(explanation: &Explanation) -> String {
    let mut text = String::new();
    if let Ok(Said { algorithm, kid, claims }) = &explanation.said {
        let kid = kid.as_ref().map_or_else(|| "no kid".to_owned(), |kid| format!("kid {kid}"));
        let _ = writeln!(text, "{}", harmless(&format!("the token says (true or not): {algorithm}, {kid}")));
        for (name, value) in claims {
            let time = value.as_u64().filter(|_| TIMES.contains(&name.as_str())).map(time).unwrap_or_default();
            let _ = writeln!(text, "  {}", harmless(&format!("{name}: {value}{time}")));
        }
    }
    for Judged { issuer, checks } in &explanation.judged {
        let _ = writeln!(text, "by the rules of the issuer {issuer}:");
        for (check, verdict) in checks {
            let verdict = verdict.as_ref().map_or_else(|rule| format!("no: {rule}"), |()| "yes".to_owned());
            let _ = writeln!(text, "  {}: {}", name(*check), harmless(&verdict));
        }
    }
    text
}

fn name(check: Check) -> &'static str {
    match check {
        Check::Signature => "the signature is of a key",
        Check::Issuer => "iss",
        Check::Audience => "aud",
        Check::Expiry => "exp",
        Check::NotBefore => "nbf",
        Check::Grant => "the claim fanfare",
    }
}

/// A time in Unix seconds for a person.
fn time(seconds: u64) -> String {
    if seconds > SECONDS_MAX {
        return String::new();
    }
    let at = UNIX_EPOCH + Duration::from_secs(seconds);
    let whole = |duration: Duration| format_duration(Duration::from_secs(duration.as_secs()));
    let distance = match at.duration_since(SystemTime::now()) {
        Ok(left) => format!("in {}", whole(left)),
        Err(passed) => format!("{} ago", whole(passed.duration())),
    };
    format!(" ({}, {distance})", format_rfc3339_seconds(at))
}

/// What a grant allows here.
struct Allowed<'a> {
    grant: &'a Grant,
    plan: &'a AccessPlan,
}

impl fmt::Display for Allowed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Grant { subscribe, publish, clients, all, client, limits, expires, holder } = self.grant;
        let line = |f: &mut fmt::Formatter<'_>, what: &str, is: &str| writeln!(f, "  {what}: {}", harmless(is));
        writeln!(f, "it is taken:")?;
        line(f, "holder, in the log", holder)?;
        line(f, "client", client.as_ref().map_or("any", |client| client.as_str()))?;
        line(f, "may follow and read", &list(subscribe, &self.plan.public))?;
        line(f, "may publish to channels", &list(publish, &self.plan.public_publish))?;
        line(f, "may publish to clients", &list(clients, &[]))?;
        line(f, "may publish to all", if *all || self.grant.may_publish_everything() { "yes" } else { "no" })?;
        for (name, limit) in limits_of(limits) {
            line(f, name, &limit.to_string())?;
        }
        match expires {
            Some(expires) => line(f, "until", time(*expires).trim_start().trim_matches(['(', ')'])),
            None => line(f, "until", "the key is taken away"),
        }
    }
}

fn limits_of(limits: &GrantLimits) -> impl Iterator<Item = (&'static str, u64)> {
    let all = [
        ("streams at most", limits.streams.map(u64::from)),
        ("channels of a stream at most", limits.channels.map(u64::from)),
        ("publishes a second at most", limits.publishes_per_second.map(u64::from)),
        ("published bytes a second at most", limits.bytes_per_second),
    ];
    all.into_iter().filter_map(|(name, limit)| Some((name, limit?)))
}

/// The granted patterns, and those that are everybody's.
fn list(granted: &[Pattern], public: &[Pattern]) -> String {
    let texts = |patterns: &[Pattern]| patterns.iter().map(Pattern::as_str).collect::<Vec<_>>().join(", ");
    match (granted, public) {
        ([], []) => "nothing".to_owned(),
        (granted, []) => texts(granted),
        ([], public) => format!("{} (public)", texts(public)),
        (granted, public) => format!("{}, and {} (public)", texts(granted), texts(public)),
    }
}
