//! [`Credential`]: the token or key that a request shows (RFC 6750 2), and where it stands.

use hyper::{
    HeaderMap,
    header::{AUTHORIZATION, COOKIE},
};

use crate::{answer::problem::Problem, request::parameters::ACCESS_TOKEN, text::query::Query};

/// The place of a credential in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The header `Authorization`.
    Header,
    /// The query parameter `access_token`, for clients that cannot set headers.
    Query,
    /// A cookie. A browser sends it with whatever a page asks for.
    Cookie,
}

/// A credential as it was shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) text: Vec<u8>,
    pub(crate) place: Place,
}

/// The credential of a request. The header counts before the query, and the query before the cookie, which may be an old one.
///
/// # Errors
/// 400 for a header and a query at once (RFC 6750 2), and for several of one kind.
pub(crate) fn of_request(
    headers: &HeaderMap,
    query: &str,
    cookie: Option<&str>,
) -> Result<Option<Credential>, Problem> {
    let in_header = in_header(headers)?;
    let in_query = in_query(query)?;
    if in_header.is_some() && in_query.is_some() {
        return Err(Problem::invalid_request(
            "a token stands in the header Authorization or in access_token, not in both",
        ));
    }
    let at = |place| move |text| Credential { text, place };
    let in_cookie = || cookie.and_then(|name| in_cookie(headers, name));
    let shown = in_header.map(at(Place::Header)).or_else(|| in_query.map(at(Place::Query)));
    Ok(shown.or_else(|| in_cookie().map(at(Place::Cookie))))
}

/// The credential of the header `Authorization` (RFC 6750 2.1). Another scheme is none: it may be for a proxy in front.
fn in_header(headers: &HeaderMap) -> Result<Option<Vec<u8>>, Problem> {
    let mut shown = headers.get_all(AUTHORIZATION).iter().filter_map(|value| bearer(value.as_bytes()));
    match (shown.next(), shown.next()) {
        (_, Some(_)) => Err(Problem::invalid_request("the header Authorization may stand once")),
        (shown, None) => Ok(shown.map(<[u8]>::to_vec)),
    }
}

/// The case of the scheme's name does not matter (RFC 9110 11.1).
fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, shown) = header.split_at_checked("bearer".len())?;
    let is_bearer = scheme.eq_ignore_ascii_case(b"bearer") && shown.first().is_none_or(|byte| *byte == b' ');
    is_bearer.then(|| shown.trim_ascii())
}

fn in_query(query: &str) -> Result<Option<Vec<u8>>, Problem> {
    // Most requests have none, and a query that is no query is refused elsewhere.
    if !query.contains("access") && !query.contains('%') {
        return Ok(None);
    }
    let Ok(query) = Query::parse(query) else { return Ok(None) };
    let mut shown = query.all(ACCESS_TOKEN);
    match (shown.next(), shown.next()) {
        (_, Some(_)) => Err(Problem::invalid_request("access_token may stand once")),
        (shown, None) => Ok(shown.map(|text| text.as_bytes().to_vec())),
    }
}

/// The first cookie of this name (RFC 6265 4.2.1): browsers send the one with the longest path first (5.4).
fn in_cookie(headers: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    let mut pairs = headers.get_all(COOKIE).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    pairs.find_map(|pair| {
        let value = pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        let quoted = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
        Some(quoted.unwrap_or(value).to_vec())
    })
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    fn shown(headers: &[(HeaderName, &'static str)], query: &str) -> Result<Option<(String, Place)>, u16> {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
        let headers = headers.fold(HeaderMap::new(), |mut all, (name, value)| {
            all.append(name, value);
            all
        });
        let found = of_request(&headers, query, Some("token"));
        let text = |Credential { text, place }| (String::from_utf8(text).unwrap(), place);
        found.map(|found| found.map(text)).map_err(|problem| problem.response().status().as_u16())
    }

    #[test]
    fn the_header_counts_before_the_query_and_that_before_the_cookie() {
        let (cookie, header) = ((COOKIE, "a=b; token=c; token=d"), (AUTHORIZATION, "bEARER  h "));
        assert_eq!(shown(&[cookie.clone(), header.clone()], ""), Ok(Some(("h".into(), Place::Header))));
        assert_eq!(shown(std::slice::from_ref(&cookie), "id=1&access_token=q"), Ok(Some(("q".into(), Place::Query))));
        assert_eq!(shown(&[cookie], "id=1"), Ok(Some(("c".into(), Place::Cookie))));
        assert_eq!(shown(&[(COOKIE, "a=b"), (COOKIE, "token=\"c\"")], ""), Ok(Some(("c".into(), Place::Cookie))));
        assert_eq!(shown(&[(COOKIE, "atoken=b; token2=c; tokens=d")], "access=1"), Ok(None));
        assert_eq!(shown(&[], "%61ccess_token=q"), Ok(Some(("q".into(), Place::Query))));
    }

    #[test]
    fn two_credentials_of_the_client_itself_are_refused_and_another_scheme_is_none() {
        let header = (AUTHORIZATION, "Bearer h");
        assert_eq!(shown(std::slice::from_ref(&header), "access_token=q"), Err(400));
        assert_eq!(shown(&[header.clone(), header], ""), Err(400));
        assert_eq!(shown(&[], "access_token=q&access_token=q"), Err(400));
        assert_eq!(shown(&[(AUTHORIZATION, "Basic abc")], ""), Ok(None));
        assert_eq!(shown(&[(AUTHORIZATION, "Bearers abc")], ""), Ok(None));
        assert_eq!(shown(&[(AUTHORIZATION, "Bearer")], ""), Ok(Some((String::new(), Place::Header))));
    }
}
