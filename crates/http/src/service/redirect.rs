//! [`to_https`]: sends a browser that asks for a page over plain HTTP to https.
//!
//! Only a page is sent. Streams and publishers of other origins would not follow, or would send their key in the clear once more.

use hyper::{
    Method, Request, Response, StatusCode, Uri,
    header::{HOST, HeaderValue, LOCATION},
};

use crate::{
    answer::{body::Body, page},
    config::Config,
    request::{
        host::{Host, of_header},
        parameters::ACCESS_TOKEN,
    },
};

/// The port that an https URL leaves out (RFC 9110 4.2.2).
const DEFAULT_PORT: u16 = 443;

/// The answer that sends the client, if it is to be sent.
pub(super) fn to_https<B>(config: &Config, request: &Request<B>) -> Option<Response<Body>> {
    let port = config.https_port?;
    let is_page = [Method::GET, Method::HEAD].contains(request.method()) && page::is_wanted(request.headers());
    let host = host(request).filter(|_| is_page)?;
    let path = without_token(request.uri());
    let port = if port == DEFAULT_PORT { String::new() } else { format!(":{port}") };
    let location = HeaderValue::try_from(format!("https://{}{port}{path}", host.name)).ok()?;
    let mut response = Response::new(Body::full(""));
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    response.headers_mut().insert(LOCATION, location);
    Some(response)
}

/// The path and the query without a token, which would stand in the address line and in the history of a browser.
fn without_token(uri: &Uri) -> String {
    let is_token = |pair: &&str| pair.split_once('=').map_or(*pair, |(name, _)| name) == ACCESS_TOKEN;
    let query = uri.query().unwrap_or_default();
    let kept = query.split('&').filter(|pair| !is_token(pair)).collect::<Vec<_>>().join("&");
    if kept.is_empty() { uri.path().to_owned() } else { format!("{}?{kept}", uri.path()) }
}

fn host<B>(request: &Request<B>) -> Option<Host<'_>> {
    let target = request.uri().authority().and_then(|authority| Host::parse(authority.as_str()));
    target.or_else(|| request.headers().get(HOST).and_then(of_header))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(port: Option<u16>, method: &str, uri: &str, headers: &[(&str, &str)]) -> Option<String> {
        let request = Request::builder().method(method).uri(uri);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let config = Config { https_port: port, ..Config::default() };
        let response = to_https(&config, &request.body(()).unwrap())?;
        assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
        Some(response.headers()[LOCATION].to_str().unwrap().to_owned())
    }

    #[test]
    fn a_page_is_sent_to_its_host_and_path_on_the_port_of_https() {
        let page = ("accept", "text/html,*/*;q=0.8");
        for (port, uri, host, to) in [
            (443, "/?a=b%20c", "a.example:80", "https://a.example/?a=b%20c"),
            (3443, "/", "a.example", "https://a.example:3443/"),
            (3443, "/x", "[::1]:3000", "https://[::1]:3443/x"),
            (443, "http://b.example:80/x", "a.example", "https://b.example/x"),
            (443, "/?a=b&access_token=x.y.z&c", "a.example", "https://a.example/?a=b&c"),
            (443, "/?access_token=x.y.z", "a.example", "https://a.example/"),
        ] {
            assert_eq!(location(Some(port), "GET", uri, &[page, ("host", host)]).as_deref(), Some(to));
        }
        assert!(location(Some(443), "HEAD", "/", &[page, ("host", "a")]).is_some());
    }

    #[test]
    fn nothing_else_is_sent() {
        let page = ("accept", "text/html");
        assert_eq!(location(None, "GET", "/", &[page, ("host", "a")]), None);
        assert_eq!(location(Some(443), "POST", "/", &[page, ("host", "a")]), None);
        assert_eq!(location(Some(443), "GET", "/", &[page]), None);
        assert_eq!(location(Some(443), "GET", "/", &[("host", "a")]), None);
        assert_eq!(location(Some(443), "GET", "/", &[("accept", "text/event-stream"), ("host", "a")]), None);
    }
}
