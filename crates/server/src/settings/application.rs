//! [`Application`]: the settings of an application that decides. [`ApplicationPlan`]: what they ask for.

use std::{collections::BTreeSet, time::Duration};

use clap::{ArgAction, builder::BoolishValueParser};
use hyper::{Uri, header::HeaderName};
use url::Url;

use super::{limits::Limits, units::MS, value::duration};

/// Headers of a request that go to the application, if none are chosen: those that say who it is.
const HEADERS: [&str; 3] = ["authorization", "cookie", "origin"];
/// Headers of the question itself, and of its connection (RFC 9110 7.6.1). No header of the client can stand there.
const OWN: [&str; 12] = [
    "accept",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Longest wait for an answer.
const TIMEOUT_MAX: Duration = Duration::from_secs(60);

/// How the application is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApplicationPlan {
    pub(crate) url: Uri,
    /// Whether it is asked about publishes as well.
    pub(crate) publish: bool,
    /// Headers of a request that go to the application, each once.
    pub(crate) headers: Vec<HeaderName>,
    pub(crate) timeout: Duration,
    /// Questions under way at most.
    pub(crate) under_way_max: usize,
    /// Answers that are kept at most.
    pub(crate) answers_max: usize,
}

/// Settings of `fanfare serve` on an application that decides.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Application {
    /// The application at this URL decides who may subscribe and read history, where no token or public pattern does.
    ///
    /// The server posts a question in JSON for each stream and each page of history, and the application answers
    /// `{"allow":true}`, `{"allow":false}`, or with the words of a token. Over http:// everybody on the way can read the
    /// credentials of clients.
    #[arg(long, env = "FANFARE_AUTHORIZE_URL", value_name = "URL", help_heading = "An application decides")]
    authorize_url: Option<String>,

    /// The application is also asked about publishes.
    #[arg(long, env = "FANFARE_AUTHORIZE_PUBLISH", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, action = ArgAction::Set, value_parser = BoolishValueParser::new(), help_heading = "An application decides")]
    authorize_publish: bool,

    /// This header of a request goes to the application with the question [default: `authorization`, `cookie` and `origin`].
    ///
    /// An answer that may be kept is kept for the same values of these headers. The setting may be given several times.
    /// Commas separate the headers in the environment.
    #[arg(long = "authorize-header", env = "FANFARE_AUTHORIZE_HEADER", value_name = "NAME", value_delimiter = ',', action = ArgAction::Append, value_parser = header, help_heading = "An application decides")]
    authorize_headers: Vec<HeaderName>,

    /// The application has this time for an answer.
    ///
    /// After this time the request is refused, and the client is told to come back later.
    #[arg(long, env = "FANFARE_AUTHORIZE_TIMEOUT", value_name = "DURATION", default_value = "2s", value_parser = duration(MS, TIMEOUT_MAX), help_heading = "An application decides")]
    authorize_timeout: Duration,
}

fn header(text: &str) -> Result<HeaderName, String> {
    let name: HeaderName = text.parse().map_err(|_| "not the name of a header; write it as in x-session".to_owned())?;
    match OWN.contains(&name.as_str()) {
        true => Err(format!("the header `{name}` is one of the question itself")),
        false => Ok(name),
    }
}

impl Application {
    /// Whether publishing needs its word.
    pub(super) fn is_asked_to_publish(&self) -> bool {
        self.authorize_url.is_some() && self.authorize_publish
    }

    /// What the settings ask for, if an application decides.
    ///
    /// # Errors
    /// A sentence that says what to do, without a password.
    pub(super) fn plan(&self, limits: &Limits) -> Result<Option<ApplicationPlan>, String> {
        let Some(text) = &self.authorize_url else {
            let given = [
                ("--authorize-publish", self.authorize_publish),
                ("--authorize-header", !self.authorize_headers.is_empty()),
            ];
            return match given.iter().find(|(_, is_given)| *is_given) {
                Some((flag, _)) => Err(format!("{flag} needs --authorize-url, the address of the application")),
                None => Ok(None),
            };
        };
        let url = address(text).map_err(|reason| format!("--authorize-url (FANFARE_AUTHORIZE_URL): {reason}"))?;
        let chosen: BTreeSet<&str> = self.authorize_headers.iter().map(HeaderName::as_str).collect();
        let chosen = if chosen.is_empty() { HEADERS.into_iter().collect() } else { chosen };
        let headers = chosen.into_iter().filter_map(|name| name.parse().ok()).collect();
        Ok(Some(ApplicationPlan {
            url,
            publish: self.authorize_publish,
            headers,
            timeout: self.authorize_timeout,
            under_way_max: usize::try_from(limits.requests.authorize_under_way).unwrap_or(usize::MAX),
            answers_max: usize::try_from(limits.requests.authorize_cache).unwrap_or(usize::MAX),
        }))
    }
}

/// The address of the application. It is not repeated in an error, because it may have a password.
fn address(text: &str) -> Result<Uri, String> {
    let url =
        Url::parse(text).map_err(|error| format!("not a URL ({error}); write it as in http://127.0.0.1:8080/may"))?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(format!("`{}` is not spoken here; write http:// or https://", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a user name or password in the URL is not supported".to_owned());
    }
    let mut url = url;
    url.set_fragment(None);
    url.as_str().parse().map_err(|error| format!("not a URL: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_of_the_question_itself_cannot_be_chosen() {
        assert_eq!(header("X-Session").map(|name| name.to_string()).as_deref(), Ok("x-session"));
        for bad in ["", "a b", "a:b", "\u{fc}"] {
            assert!(header(bad).unwrap_err().contains("x-session"), "{bad}");
        }
        for own in OWN {
            assert!(header(&own.to_uppercase()).unwrap_err().contains(own));
        }
    }

    #[test]
    fn the_address_is_one_of_http_without_a_password() {
        for (text, url) in [
            ("http://127.0.0.1:8080/may", "http://127.0.0.1:8080/may"),
            ("https://app.example/may?x=1#y", "https://app.example/may?x=1"),
        ] {
            assert_eq!(address(text).unwrap().to_string(), url);
        }
        for (bad, said) in [
            ("", "not a URL"),
            ("app.example", "not a URL"),
            ("ftp://a", "`ftp` is not spoken here"),
            ("http://s3cr3t:s3cr3t@a", "user name or password"),
            ("http://", "not a URL"),
        ] {
            let error = address(bad).unwrap_err();
            assert!(error.contains(said) && !error.contains("s3cr3t"), "{bad}: {error}");
        }
    }
}
