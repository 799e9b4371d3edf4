//! A server that runs already and was given by its URL, as one flag:
//! `NAME,url=http://HOST:PORT,subscribe=/PATH,publish=/PATH,body=TEXT,pid=N,header=K: V`, or `preset=` for the routes,
//! `http=2` and `tls-ca=FILE` for what it is spoken to over, and `subscribe-token=` and `publish-token=` for its door.
//!
//! The only place where that text is taken apart. Where it runs, and on which core, is its owner's business.

use std::str::FromStr;

use clap::ValueEnum;

use crate::compare::peer::starter::Running;
use crate::wire::dialect::{Header, Path, Preset};
use crate::wire::target::Url;
use crate::wire::token::Token;
use crate::wire::transport::{Transport, Version};

/// A server that is not started here: its name, and the load generator's flags for it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Given {
    name: String,
    url: String,
    flags: Vec<String>,
    pid: Option<u32>,
    is_tls: bool,
    version: Version,
}

impl Given {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn version(&self) -> String {
        format!("at {}, {}", self.url, self.version)
    }

    pub(super) fn speaks(&self, transport: &Transport) -> bool {
        (self.version, self.is_tls) == (transport.version, transport.is_tls)
    }

    pub(super) fn running(&self) -> Running {
        let mut target = vec!["--url".to_owned(), self.url.clone()];
        target.extend_from_slice(&self.flags);
        target.extend(self.pid.iter().flat_map(|pid| ["--pid".to_owned(), pid.to_string()]));
        Running { target, command: None, program: None, operators: None, _directory: None }
    }
}

/// The keys, each with the flag of the load generator that it becomes.
const KEYS: [(&str, &str); 11] = [
    ("url", "--url"),
    ("http", "--http"),
    ("tls-ca", "--tls-ca"),
    ("preset", "--preset"),
    ("subscribe", "--subscribe-path"),
    ("publish", "--publish-path"),
    ("body", "--body"),
    ("header", "--header"),
    ("subscribe-token", "--subscribe-token"),
    ("publish-token", "--publish-token"),
    ("pid", "--pid"),
];

impl FromStr for Given {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let (name, rest) = typed.split_once(',').unwrap_or((typed, ""));
        let is_name_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || !name.chars().all(is_name_part) {
            return Err("it begins with a name of letters, digits, -, _ and .".to_owned());
        }
        let (name, url, flags) = (name.to_owned(), String::new(), Vec::new());
        let mut given = Self { name, url, flags, pid: None, is_tls: false, version: Version::Http1 };
        let mut seen = Vec::new();
        for (key, flag, value) in pairs(rest)? {
            if key != "header" && seen.contains(&key) {
                return Err(format!("{key}= is there twice"));
            }
            seen.push(key);
            check(key, &value)?;
            match key {
                "url" => (given.is_tls, given.url) = (value.starts_with("https://"), value),
                // The load says it too.
                "http" => given.version = Version::from_str(&value, false)?,
                "pid" => given.pid = value.parse().ok(),
                // One word, because a value may begin with a hyphen.
                _ => given.flags.push(format!("{flag}={value}")),
            }
        }
        let has = |key| seen.contains(&key);
        if !has("url") {
            return Err("url=http://HOST:PORT is missing".to_owned());
        }
        if has("tls-ca") && !given.is_tls {
            return Err("tls-ca= is for https:// only".to_owned());
        }
        let has_routes = has("preset") || (has("subscribe") && has("publish"));
        if !has_routes {
            return Err("how is it spoken to? give preset=, or subscribe= and publish=".to_owned());
        }
        Ok(given)
    }
}

/// `key=value`, parted by commas. A part that begins with no key belongs to the value before: JSON has commas.
fn pairs(text: &str) -> Result<Vec<(&'static str, &'static str, String)>, String> {
    let mut pairs: Vec<(&'static str, &'static str, String)> = Vec::new();
    for part in text.split(',') {
        let known =
            part.split_once('=').and_then(|(key, value)| Some((KEYS.iter().find(|known| known.0 == key)?, value)));
        match (known, pairs.last_mut()) {
            (Some(((key, flag), value)), _) => pairs.push((key, flag, value.to_owned())),
            (None, Some((_, _, value))) => *value = format!("{value},{part}"),
            (None, None) => {
                let keys = KEYS.map(|(key, _)| format!("{key}=")).join(", ");
                return Err(format!("after the name comes one of {keys}"));
            }
        }
    }
    Ok(pairs)
}

/// Refuses, before anything is started, an argument that the load generator would refuse.
fn check(key: &str, value: &str) -> Result<(), String> {
    match key {
        "url" => value.parse::<Url>().map(drop),
        "http" => Version::from_str(value, false).map(drop),
        "preset" => Preset::from_str(value, false).map(drop),
        "subscribe" | "publish" => value.parse::<Path>().map(drop),
        "header" => value.parse::<Header>().map(drop),
        // A token is not repeated.
        "subscribe-token" | "publish-token" => return value.parse::<Token>().map(drop),
        "pid" => value.parse::<u32>().map(drop).map_err(|_| "a process has a number".to_owned()),
        _ => Ok(()),
    }
    .map_err(|error| format!("{key}={value}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(typed: &str) -> Vec<String> {
        typed.parse::<Given>().unwrap().running().target
    }

    #[test]
    fn a_server_is_given_by_its_routes() {
        let typed = "mercure,url=http://127.0.0.1:3000,subscribe=/s?topic={channel},publish=/p,pid=123,\
            body=topic={channel}&data={data_form},header=Authorization: Bearer x,header=A: b, c";
        let expected = [
            "--url",
            "http://127.0.0.1:3000",
            "--subscribe-path=/s?topic={channel}",
            "--publish-path=/p",
            "--body=topic={channel}&data={data_form}",
            "--header=Authorization: Bearer x",
            "--header=A: b, c",
            "--pid",
            "123",
        ];
        assert_eq!(flags(typed), expected);
    }

    #[test]
    fn a_server_is_given_by_a_preset() {
        let typed = "x,url=http://a:1,preset=floor,subscribe-token=r,publish-token=w";
        let expected = ["--url", "http://a:1", "--preset=floor", "--subscribe-token=r", "--publish-token=w"];
        assert_eq!(flags(typed), expected);
        let expected = ["--url", "http://a:1", "--preset=floor"];
        assert_eq!(flags("other-floor,url=http://a:1,preset=floor"), expected);
    }

    #[test]
    fn a_server_takes_part_in_what_it_speaks() {
        let speaks = |typed: &str| {
            let given: Given = typed.parse().unwrap();
            [(Version::Http1, false), (Version::Http1, true), (Version::Http2, false), (Version::Http2, true)].map(
                |(version, is_tls)| {
                    given.speaks(&Transport { version, is_tls, tls_ca: None, streams_per_connection: 4 })
                },
            )
        };
        assert_eq!(speaks("x,url=http://a,preset=floor"), [true, false, false, false]);
        assert_eq!(speaks("x,url=https://a,preset=floor"), [false, true, false, false]);
        assert_eq!(speaks("x,url=http://a,preset=floor,http=2"), [false, false, true, false]);
        assert_eq!(speaks("x,url=https://a,preset=floor,http=2,tls-ca=a.pem"), [false, false, false, true]);
        let expected = ["--url", "https://a", "--tls-ca=a.pem", "--preset=floor"];
        assert_eq!(flags("x,url=https://a,http=2,tls-ca=a.pem,preset=floor"), expected);
    }

    #[test]
    fn a_body_may_hold_commas_and_equals_signs() {
        let typed = r#"x,url=http://a,preset=nchan,body={"channel":"{channel}","a=b":1,"data":{data}}"#;
        assert_eq!(flags(typed)[3], r#"--body={"channel":"{channel}","a=b":1,"data":{data}}"#);
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        for (wrong, why) in [
            ("", "begins with a name"),
            ("a b,url=http://a,preset=floor", "begins with a name"),
            ("x", "after the name"),
            ("x,http://a", "after the name"),
            ("x,preset=floor", "url="),
            ("x,url=ftp://a,preset=floor", "begins with http://"),
            ("x,url=http://a,url=http://b,preset=floor", "twice"),
            ("x,url=http://a", "how is it spoken to"),
            ("x,url=http://a,subscribe=/s", "how is it spoken to"),
            ("x,url=http://a,preset=best", "preset=best"),
            ("x,url=http://a,subscribe=s,publish=/p", "begins with /"),
            ("x,url=http://a,preset=floor,pid=-1", "number"),
            ("x,url=http://a,preset=floor,header=x", "Name: value"),
            ("x,url=http://a,preset=floor,publish-token=a b", "visible ASCII"),
            ("x,url=https://a,preset=floor,http=3", "http=3"),
            ("x,url=http://a,preset=floor,tls-ca=a.pem", "https:// only"),
        ] {
            let error = wrong.parse::<Given>().unwrap_err();
            assert!(error.contains(why), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_report_knows_where_a_value_ends() {
        assert_eq!(KEYS.map(|(key, _)| key), crate::report::told::PEER_KEYS);
    }
}
