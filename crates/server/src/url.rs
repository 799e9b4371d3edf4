//! [`Url`]: the address of a server or of a route on it. Only HTTP and HTTPS. Characters that no URL may hold are
//! percent-encoded.

use std::fmt::{self, Display};

use hyper::Uri;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// ASCII characters that no URL may hold. All other bytes than ASCII are encoded too.
const ILLEGAL: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`');

/// A whole URL without a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    /// `http://host:port`.
    server: String,
    path: String,
    query: String,
}

impl Url {
    /// # Errors
    /// A sentence that says what to write.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (text, _) = text.split_once('#').unwrap_or((text, ""));
        let text = utf8_percent_encode(text, ILLEGAL).to_string();
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(without_scheme(&text));
        };
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return Err(format!("`{scheme}` is not spoken here; write http:// or https://"));
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        if authority.contains('@') {
            return Err("a user name or password in the URL is not supported".to_owned());
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let url = Self { server: format!("{scheme}://{authority}"), path: path.to_owned(), query: query.to_owned() };
        let uri: Uri = url.to_string().parse().map_err(|error| format!("not a URL: {error}"))?;
        // The port is parsed only when it is asked for.
        let has_port = authority.rfind(':') > authority.rfind(']');
        if uri.host().is_none_or(str::is_empty) || has_port && uri.port_u16().is_none_or(|port| port == 0) {
            return Err("not a URL: it needs a host, and a port from 1 to 65535 if any".to_owned());
        }
        Ok(url)
    }

    /// A server on this machine.
    pub(crate) fn example() -> Self {
        Self { server: "http://127.0.0.1:3000".to_owned(), path: String::new(), query: String::new() }
    }

    /// The route of `name` on the same server, as in `channels/news`.
    pub(crate) fn below(&self, route: &str, name: &str) -> Self {
        let path = format!("/{route}/{}", utf8_percent_encode(name, VALUE));
        Self { server: self.server.clone(), path, query: String::new() }
    }

    /// The parts of the path. The last is empty behind a slash.
    pub(crate) fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.path.split('/')
    }

    /// The URL that a redirect leads to. `location` may be relative (RFC 9110 10.2.2).
    ///
    /// # Errors
    /// A sentence that says why the redirect leads nowhere.
    pub(crate) fn redirected(&self, location: &str) -> Result<Self, String> {
        let base = ::url::Url::parse(&self.to_string()).map_err(|error| error.to_string())?;
        let target = base.join(location).map_err(|error| error.to_string())?;
        Self::parse(target.as_str())
    }

    /// Whether both are on the same server: scheme, host and port.
    pub(crate) fn is_on_server_of(&self, other: &Self) -> bool {
        self.server.eq_ignore_ascii_case(&other.server)
    }

    /// Replaces the path by `path` if it is one of `if_path_is`. A URL that names only a server has an empty path.
    pub(crate) fn or_path(mut self, path: &str, if_path_is: &[&str]) -> Self {
        if if_path_is.contains(&self.path.as_str()) {
            path.clone_into(&mut self.path);
        }
        self
    }

    /// Adds a parameter to the query.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.push_str(name);
        self.query.push('=');
        self.query.extend(utf8_percent_encode(value, VALUE));
        self
    }
}

/// Explains a URL without a scheme. http:// is never assumed: a publish key must not be sent in the clear because of a
/// guess.
fn without_scheme(text: &str) -> String {
    let authority = text.split(['/', '?']).next().unwrap_or_default();
    let looks_like_server = authority == "localhost" || authority.contains([':', '.']);
    if looks_like_server && Url::parse(&format!("http://{text}")).is_ok() {
        return format!("the scheme is missing: write http://{text}, or https:// for TLS");
    }
    "write the whole URL, as in http://127.0.0.1:3000".to_owned()
}

impl Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, path, query } = self;
        let path = if path.is_empty() { "/" } else { path };
        write!(f, "{server}{path}")?;
        if query.is_empty() { Ok(()) } else { write!(f, "?{query}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_keeps_its_path_and_gains_parameters() {
        let url = |text: &str| Url::parse(text).unwrap().or_path("/sse", &[""]);
        assert_eq!(url("http://localhost:3000").to_string(), "http://localhost:3000/sse");
        assert_eq!(url("http://localhost:3000/").to_string(), "http://localhost:3000/");
        assert_eq!(url("http://a?x=1").with("id", "ü &").to_string(), "http://a/sse?x=1&id=%C3%BC%20%26");
        assert_eq!(url("HTTPS://[::1]:1/channels/a b#c").to_string(), "https://[::1]:1/channels/a%20b");
    }

    #[test]
    fn a_name_is_encoded_below_its_route() {
        let url = Url::parse("http://a:1/x?y").unwrap();
        assert_eq!(url.below("channels", "o/42 ü").to_string(), "http://a:1/channels/o%2F42%20%C3%BC");
        assert_eq!(Url::parse(&Url::example().to_string()), Ok(Url::example().or_path("/", &[""])));
    }

    #[test]
    fn a_redirect_may_be_relative() {
        let url = Url::parse("http://a:1/b/c?d").unwrap();
        for (location, target) in [
            ("https://x/y", "https://x/y"),
            ("//x/y", "http://x/y"),
            ("/y?z", "http://a:1/y?z"),
            ("y", "http://a:1/b/y"),
            ("?z", "http://a:1/b/c?z"),
        ] {
            assert_eq!(url.redirected(location).unwrap().to_string(), target, "{location}");
        }
        for bad in ["ftp://a", "http://", "mailto:a"] {
            assert!(url.redirected(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_what_to_write() {
        for (text, said) in [
            ("", "whole URL"),
            ("localhost:3000", "write http://localhost:3000, or"),
            ("example.org/a?b", "write http://example.org/a?b, or"),
            ("localhost", "write http://localhost, or"),
            ("[::1]:3000", "write http://[::1]:3000, or"),
            ("localhost:x", "whole URL"),
            ("hello", "whole URL"),
            ("/sse", "whole URL"),
            ("ftp://localhost", "`ftp`"),
            ("ws://localhost", "`ws`"),
            ("http://", "not a URL"),
            ("http://:80", "not a URL"),
            ("http://a:99999", "not a URL"),
            ("http://a:0", "not a URL"),
            ("http://a:b", "not a URL"),
            ("http://a b", "not a URL"),
            ("http://me:word@a", "not supported"),
        ] {
            let error = Url::parse(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
