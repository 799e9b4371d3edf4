//! Fields of a block become the head of a request (RFC 9113 section 8), or are found to be malformed.

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version,
    header::{self, Entry},
    uri::{Authority, PathAndQuery, Scheme},
};

use crate::streams::ANY_LENGTH;

/// What a field counts besides its bytes (RFC 9113 section 6.5.2).
const FIELD_EXTRA: usize = 32;

/// Why a block is no head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// A rule of RFC 9113 section 8 is broken.
    Malformed,
    /// The fields are more than the limit.
    TooLarge,
}

/// Fields of a block, as they come.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    method: Option<Method>,
    scheme: Option<Scheme>,
    authority: Option<Authority>,
    path: Option<PathAndQuery>,
    headers: HeaderMap,
    bytes: usize,
    bytes_max: usize,
    is_malformed: bool,
    has_regular: bool,
}

impl Fields {
    /// No fields. Together they may have `bytes_max`.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, ..Self::default() }
    }

    /// Counts bytes of fields that are not known.
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Takes the next field. Past the limit, or after a fault, it is only counted.
    pub(crate) fn take(&mut self, name: &[u8], value: &[u8]) {
        self.bytes = self.bytes.saturating_add(name.len() + value.len() + FIELD_EXTRA);
        if self.bytes > self.bytes_max || self.is_malformed {
            return;
        }
        let taken = match name.strip_prefix(b":") {
            Some(_) if self.has_regular => None,
            Some(pseudo) => self.pseudo(pseudo, value),
            None => self.regular(name, value),
        };
        self.is_malformed = taken.is_none();
    }

    /// The request, and the length of its body if it says one.
    pub(crate) fn request(self, is_end: bool) -> Result<(Request<()>, u64), Fault> {
        self.check()?;
        let length = content_length(&self.headers).ok_or(Fault::Malformed)?;
        if is_end && ![0, ANY_LENGTH].contains(&length) {
            return Err(Fault::Malformed);
        }
        self.into_request().map(|request| (request, length)).ok_or(Fault::Malformed)
    }

    /// Whether the fields may be trailers.
    pub(crate) fn trailers(self) -> Result<(), Fault> {
        self.check()?;
        let has_pseudo =
            self.method.is_some() || self.scheme.is_some() || self.authority.is_some() || self.path.is_some();
        if has_pseudo { Err(Fault::Malformed) } else { Ok(()) }
    }

    fn check(&self) -> Result<(), Fault> {
        match () {
            () if self.bytes > self.bytes_max => Err(Fault::TooLarge),
            () if self.is_malformed => Err(Fault::Malformed),
            () => Ok(()),
        }
    }

    /// A pseudo-header. `None` if it is not known, stands there twice, or has no value that is one.
    fn pseudo(&mut self, name: &[u8], value: &[u8]) -> Option<()> {
        match name {
            b"method" if self.method.is_none() => self.method = Some(Method::from_bytes(value).ok()?),
            b"scheme" if self.scheme.is_none() => self.scheme = Some(scheme(value)?),
            b"authority" if self.authority.is_none() => self.authority = Some(authority(value)?),
            b"path" if self.path.is_none() => self.path = Some(path(value)?),
            _ => return None,
        }
        Some(())
    }

    fn regular(&mut self, name: &[u8], value: &[u8]) -> Option<()> {
        self.has_regular = true;
        let name = HeaderName::from_lowercase(name).ok()?;
        let is_trimmed = value.trim_ascii().len() == value.len();
        let value = HeaderValue::from_bytes(value).ok().filter(|_| is_trimmed)?;
        if is_of_connection(&name) || (name == header::TE && value != "trailers") {
            return None;
        }
        // Browsers cut cookies into crumbs, for the sake of a table (RFC 9113 section 8.2.3).
        if name == header::COOKIE
            && let Ok(Entry::Occupied(mut cookie)) = self.headers.try_entry(header::COOKIE)
        {
            let joined = [cookie.get().as_bytes(), value.as_bytes()].join(&b"; "[..]);
            cookie.insert(HeaderValue::from_bytes(&joined).ok()?);
            return Some(());
        }
        self.headers.try_append(name, value).ok().map(drop)
    }

    fn into_request(self) -> Option<Request<()>> {
        let Self { method, scheme, authority, path, headers, .. } = self;
        let method = method?;
        let mut uri = http::uri::Parts::default();
        if method == Method::CONNECT {
            // RFC 9113 section 8.5.
            if scheme.is_some() || path.is_some() {
                return None;
            }
            uri.authority = Some(authority?);
        } else {
            let (scheme, path) = (scheme?, path?);
            if path == "*" && method != Method::OPTIONS {
                return None;
            }
            uri.scheme = authority.is_some().then_some(scheme);
            (uri.authority, uri.path_and_query) = (authority, Some(path));
        }
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.uri_mut() = Uri::from_parts(uri).ok()?;
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = headers;
        Some(request)
    }
}

/// A scheme, which begins with a letter (RFC 3986 section 3.1).
fn scheme(value: &[u8]) -> Option<Scheme> {
    Scheme::try_from(value).ok().filter(|_| value.first().is_some_and(u8::is_ascii_alphabetic))
}

/// A host and a port. No name of a user (RFC 9113 section 8.3.1).
fn authority(value: &[u8]) -> Option<Authority> {
    Authority::try_from(value).ok().filter(|_| !value.contains(&b'@'))
}

/// A path from the root, or `*`. A fragment is never sent.
fn path(value: &[u8]) -> Option<PathAndQuery> {
    if (!value.starts_with(b"/") && value != b"*") || value.contains(&b'#') {
        return None;
    }
    PathAndQuery::try_from(value).ok()
}

/// Fields of HTTP/1.1 connections (RFC 9113 section 8.2.2).
fn is_of_connection(name: &HeaderName) -> bool {
    matches!(name.as_str(), "connection" | "keep-alive" | "proxy-connection" | "transfer-encoding" | "upgrade")
}

/// The length of the body, or [`ANY_LENGTH`]. `None` if there are several, or it is no number.
fn content_length(headers: &HeaderMap) -> Option<u64> {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let Some(length) = lengths.next() else { return Some(ANY_LENGTH) };
    if lengths.any(|other| other != length) || !length.as_bytes().iter().all(u8::is_ascii_digit) {
        return None;
    }
    length.to_str().ok()?.parse().ok().filter(|length| *length != ANY_LENGTH)
}

/// Appends the block of a response. Fields of HTTP/1.1 connections are left out.
pub(crate) fn encode(out: &mut Vec<u8>, status: http::StatusCode, headers: &HeaderMap) {
    crate::hpack::status(out, status.as_u16());
    for (name, value) in headers.iter().filter(|(name, _)| !is_of_connection(name)) {
        crate::hpack::field(out, name.as_str(), value.as_bytes());
    }
}
