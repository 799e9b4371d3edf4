//! [`Route`]: where a request goes. `openapi.json` has the same routes, and a test holds both against each other.

use hyper::Method;
use percent_encoding::percent_decode_str;

use crate::answer::problem::Problem;

/// The places that a request can go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Dashboard,
    Asset,
    Health,
    Metrics,
    Document,
    Status,
    Figures,
    Channels,
    Channel,
    ChannelHistory,
    ChannelConnections,
    Clients,
    Client,
    Connections,
    Connection,
    Explain,
    Publish,
    Drain,
    Reload,
    Events,
    Tail,
}

const READ: &str = "GET, HEAD";
const CHANGE: &str = "POST";
const REMOVE: &str = "DELETE";
const READ_OR_REMOVE: &str = "GET, HEAD, DELETE";

/// Every path with its methods. A segment in braces is any text.
const ROUTES: [(&str, &str, Place); 21] = [
    ("/", READ, Place::Dashboard),
    ("/assets/{file}", READ, Place::Asset),
    ("/healthz", READ, Place::Health),
    ("/metrics", READ, Place::Metrics),
    ("/api/v1/openapi.json", READ, Place::Document),
    ("/api/v1/status", READ, Place::Status),
    ("/api/v1/figures", READ, Place::Figures),
    ("/api/v1/channels", READ, Place::Channels),
    ("/api/v1/channels/{channel}", READ, Place::Channel),
    ("/api/v1/channels/{channel}/history", REMOVE, Place::ChannelHistory),
    ("/api/v1/channels/{channel}/connections", REMOVE, Place::ChannelConnections),
    ("/api/v1/clients", READ, Place::Clients),
    ("/api/v1/clients/{client}", READ_OR_REMOVE, Place::Client),
    ("/api/v1/connections", READ, Place::Connections),
    ("/api/v1/connections/{connection}", READ_OR_REMOVE, Place::Connection),
    ("/api/v1/explain", READ, Place::Explain),
    ("/api/v1/publish", CHANGE, Place::Publish),
    ("/api/v1/drain", CHANGE, Place::Drain),
    ("/api/v1/reload", CHANGE, Place::Reload),
    ("/api/v1/events", READ, Place::Events),
    ("/api/v1/tail", READ, Place::Tail),
];

/// The place of a request, and the text of the segment in braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) place: Place,
    pub(crate) name: String,
}

impl Route {
    /// # Errors
    /// [`Problem`]: 400, 404 or 405.
    pub(crate) fn find(method: &Method, path: &str) -> Result<Self, Problem> {
        let found = ROUTES.iter().find_map(|(form, allow, place)| Some((allow, place, matched(form, path)?)));
        let Some((allow, place, name)) = found else {
            return Err(Problem::not_found("there is no such route: /api/v1/openapi.json has all of them"));
        };
        if !allow.split(", ").any(|allowed| allowed == method.as_str()) {
            return Err(Problem::method_not_allowed(allow));
        }
        let name = percent_decode_str(name).decode_utf8();
        let name = name.map_err(|_| Problem::bad_request("the path is not UTF-8"))?.into_owned();
        Ok(Self { place: *place, name })
    }

    /// Whether the token is not needed. The page asks for it.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.place, Place::Dashboard | Place::Asset | Place::Health)
    }
}

/// The segment in braces, still encoded, or an empty text, if `path` has this form.
fn matched<'a>(form: &str, path: &'a str) -> Option<&'a str> {
    let (mut forms, mut segments, mut name) = (form.split('/'), path.split('/'), "");
    loop {
        match (forms.next(), segments.next()) {
            (None, None) => return Some(name),
            (Some(form), Some(segment)) if form.starts_with('{') => name = segment,
            (Some(form), Some(segment)) if form == segment => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn the_document_has_exactly_these_routes() {
        let document: Value = serde_json::from_str(include_str!("../openapi.json")).unwrap();
        let described = document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        });
        let served = ROUTES.iter().flat_map(|(path, allow, _)| {
            allow.split(", ").filter(|method| *method != "HEAD").map(move |method| format!("{method} {path}"))
        });
        assert_eq!(described.collect::<BTreeSet<_>>(), served.collect::<BTreeSet<_>>());
    }

    #[test]
    fn only_routes_that_the_document_opens_need_no_token() {
        let document: Value = serde_json::from_str(include_str!("../openapi.json")).unwrap();
        for (path, _, place) in ROUTES {
            let operation =
                document["paths"][path].as_object().unwrap().values().find(|value| value["responses"].is_object());
            let is_described_open = operation.unwrap()["security"] == serde_json::json!([]);
            assert_eq!(Route { place, name: String::new() }.is_open(), is_described_open, "{path}");
        }
    }

    #[test]
    fn names_are_decoded_after_the_segments_are_told_apart() {
        let route = Route::find(&Method::DELETE, "/api/v1/channels/a%2Fb%20c/history").unwrap();
        assert_eq!(route, Route { place: Place::ChannelHistory, name: "a/b c".to_owned() });
        assert_eq!(Route::find(&Method::GET, "/").unwrap().place, Place::Dashboard);
    }

    #[test]
    fn what_is_no_route_is_told_apart() {
        let status = |method: Method, path| Route::find(&method, path).unwrap_err().response().status().as_u16();
        for path in ["", "*", "/x", "/api/v1", "/api/v1/", "/api/v1/channels/a/b", "/metrics/", "//metrics"] {
            assert_eq!(status(Method::GET, path), 404, "{path}");
        }
        assert_eq!(status(Method::GET, "/api/v1/clients/%FF"), 400);
        let refused = Route::find(&Method::PUT, "/api/v1/clients/ann").unwrap_err().response();
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["allow"]),
            (405, &"GET, HEAD, DELETE".parse().unwrap())
        );
    }
}
