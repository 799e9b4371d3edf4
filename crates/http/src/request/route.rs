//! [`Route`]: what a method and a path ask for. It knows every route there is, and handlers know none.

use fanfare_core::{Channel, ClientId, NameError, Pattern, Target};
use hyper::Method;

use crate::{
    answer::problem::Problem,
    request::{destination::Destination, parameters::shown},
    text::{nearest::nearest, query::decode},
};

/// A request that has a handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// An event stream, of one channel or pattern if the path names it.
    Stream { channel: Option<Pattern>, is_head: bool },
    /// The kept events of a channel.
    History(Channel),
    /// A publish.
    Publish(Destination),
    /// Many publishes, line by line, or a single one if the query says where it goes.
    Batch,
    /// A question for the methods of a route, by a browser for a page or by anybody.
    Options {
        /// The methods of the route.
        allow: &'static str,
    },
    /// A question whether the process lives.
    Health,
    /// A question whether the server wants traffic.
    Ready,
}

const GET: &str = "GET, HEAD, OPTIONS";
const POST: &str = "POST, OPTIONS";
const BOTH: &str = "GET, HEAD, POST, OPTIONS";

/// All routes, for a person to read.
const ROUTES: &str = "GET /sse, GET and POST /channels/{channel}, GET /channels/{channel}/history, POST /broadcast, \
                      POST /clients/{id}, POST /ping/{id}, POST /publish, GET /healthz, GET /readyz";
const HOW_TO_PUBLISH: &str = "; to publish, POST to /broadcast, /channels/{channel} or /clients/{id}";
const HOW_TO_READ: &str = "; to read, GET /sse?id=ID&channel=CHANNEL or /channels/{channel}";
const FIRST_SEGMENTS: [&str; 8] = ["sse", "channels", "broadcast", "clients", "ping", "publish", "healthz", "readyz"];

impl Route {
    /// The route of `method` and the raw `path`.
    ///
    /// # Errors
    /// 404, 405, or 400 for a name that is none.
    pub(crate) fn parse(method: &Method, path: &str) -> Result<Self, Problem> {
        Self::find(method, path).map_err(|wrong| match wrong {
            Wrong::Path => Problem::not_found(advice(method, path)),
            Wrong::Rest(problem) => problem,
        })
    }

    fn find(method: &Method, path: &str) -> Result<Self, Wrong> {
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let is_head = method == Method::HEAD;
        let is_get = is_head || method == Method::GET;
        let is_post = method == Method::POST;
        let is_asked = method == Method::OPTIONS;
        let only_get = |route| match () {
            () if is_get => Ok(route),
            () if is_asked => Ok(Self::Options { allow: GET }),
            () => Err(Problem::method_not_allowed(GET, HOW_TO_PUBLISH).into()),
        };
        let only_post = |route| match () {
            () if is_post => Ok(route),
            () if is_asked => Ok(Self::Options { allow: POST }),
            () => Err(Problem::method_not_allowed(POST, HOW_TO_READ).into()),
        };
        if path == "*" && is_asked {
            // Of the server as a whole (RFC 9110 9.3.7).
            return Ok(Self::Options { allow: BOTH });
        }
        match segments[..] {
            ["" | "sse"] => only_get(Self::Stream { channel: None, is_head }),
            ["healthz"] => only_get(Self::Health),
            ["readyz"] => only_get(Self::Ready),
            ["broadcast"] => only_post(Self::Publish(Destination::Target(Target::All))),
            ["publish"] => only_post(Self::Batch),
            ["channels", name, "broadcast"] => only_post(Self::Publish(to_channel(name)?)),
            // Of any name that can be published to, though not all of them can be followed.
            ["channels", name, "history"] => only_get(Self::History(name_of(name, Channel::new)?)),
            ["clients", name] => only_post(Self::Publish(Destination::Target(Target::Client(client(name)?)))),
            ["ping", name] => only_post(Self::Publish(Destination::Ping(client(name)?))),
            ["channels", name] if is_post => Ok(Self::Publish(to_channel(name)?)),
            ["channels", name] if is_get => {
                let channel = name_of(name, Pattern::subscribed)?;
                Ok(Self::Stream { channel: Some(channel), is_head })
            }
            ["channels", _] if is_asked => Ok(Self::Options { allow: BOTH }),
            ["channels", _] => Err(Problem::method_not_allowed(BOTH, "").into()),
            _ => Err(Wrong::Path),
        }
    }
}

/// The reason for which there is no route.
enum Wrong {
    /// No method has this path.
    Path,
    /// The method, or a name in the path.
    Rest(Problem),
}

impl From<Problem> for Wrong {
    fn from(problem: Problem) -> Self {
        Self::Rest(problem)
    }
}

fn name_of<T>(segment: &str, read: impl Fn(&str) -> Result<T, NameError>) -> Result<T, Problem> {
    let name = decode(segment).map_err(|error| Problem::bad_request(format!("path: {error}")))?;
    Ok(read(&name)?)
}

fn to_channel(segment: &str) -> Result<Destination, Problem> {
    Ok(Destination::Target(Target::Channel(name_of(segment, Channel::new)?)))
}

fn client(segment: &str) -> Result<ClientId, Problem> {
    name_of(segment, ClientId::new)
}

/// The route that a client probably meant when it asked for one that does not exist.
fn advice(method: &Method, path: &str) -> String {
    let is_route = |path: &String| !matches!(Route::find(method, path), Err(Wrong::Path));
    if let Some(meant) = meant(path).filter(is_route) {
        return format!("there is no route {}; did you mean {meant}?", shown(path));
    }
    format!("there is no route {}; there are {ROUTES}", shown(path))
}

/// Without the slash at its end, with the slash in a name encoded, or with the right first segment.
fn meant(path: &str) -> Option<String> {
    if let Some(meant) = path.strip_suffix('/').filter(|meant| !meant.is_empty()) {
        return Some(meant.to_owned());
    }
    let path = path.strip_prefix('/')?;
    if let Some((kind @ ("channels" | "clients"), name)) = path.split_once('/').filter(|(_, name)| name.contains('/')) {
        // A slash in a name.
        return Some(format!("/{kind}/{}", name.replace('/', "%2F")));
    }
    let first = path.split('/').next()?;
    nearest(first, FIRST_SEGMENTS).map(|meant| format!("/{meant}{}", &path[first.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(method: Method, path: &str) -> u16 {
        Route::parse(&method, path).map_or_else(|problem| problem.response().status().as_u16(), |_| 200)
    }

    #[test]
    fn names_are_one_segment() {
        let route = Route::parse(&Method::POST, "/channels/orders%2F42/broadcast");
        assert_eq!(route, Ok(Route::Publish(Destination::Target(Target::Channel(Channel::new("orders/42").unwrap())))));
        assert_eq!(status(Method::POST, "/channels/orders/42/broadcast"), 404);
        assert_eq!(status(Method::POST, "/channels/../broadcast"), 200, "no dot-segment handling");
    }

    #[test]
    fn a_path_that_is_no_route_is_answered_with_one_that_is() {
        let said = |method: Method, path: &str| Route::parse(&method, path).unwrap_err().detail().to_owned();
        for (method, path, meant) in [
            (Method::GET, "/sse/", "/sse"),
            (Method::POST, "/channels/a/broadcast/", "/channels/a/broadcast"),
            (Method::GET, "/channel/a%20b", "/channels/a%20b"),
            (Method::POST, "/Broadcast", "/broadcast"),
            (Method::POST, "/client/42", "/clients/42"),
            (Method::GET, "/health", "/healthz"),
            (Method::GET, "/broadcast/", "/broadcast"),
            (Method::GET, "/channels/orders/42", "/channels/orders%2F42"),
            (Method::POST, "/clients/a/b/c", "/clients/a%2Fb%2Fc"),
        ] {
            assert!(said(method, path).ends_with(&format!("did you mean {meant}?")), "{path}");
        }
        for path in ["/nowhere", "///", "/sse/a", "/events", "*", ""] {
            let said = said(Method::POST, path);
            assert!(said.ends_with(ROUTES), "{path}: {said}");
        }
    }

    #[test]
    fn what_is_no_route_or_no_name_is_told_apart() {
        assert_eq!(status(Method::GET, "/nowhere"), 404);
        assert_eq!(status(Method::GET, "/sse/"), 404);
        assert_eq!(status(Method::GET, "/broadcast"), 405);
        assert_eq!(status(Method::DELETE, "/channels/a"), 405);
        assert_eq!(status(Method::POST, "/"), 405);
        assert_eq!(status(Method::POST, "/channels//broadcast"), 400);
        assert_eq!(status(Method::POST, "/clients/%0a"), 400);
        assert_eq!(status(Method::POST, "/clients/%zz"), 400);
        assert_eq!(status(Method::GET, "/channels/news.*"), 200);
        assert_eq!(status(Method::GET, "/channels/{id}"), 400);
        assert_eq!(status(Method::GET, "/channels/news.*/history"), 200);
        assert_eq!(status(Method::HEAD, "/channels/a/history"), 200);
        assert_eq!(status(Method::OPTIONS, "/channels/a/history"), 200);
        assert_eq!(status(Method::POST, "/channels/a/history"), 405);
        assert_eq!(status(Method::GET, "/channels//history"), 400);
        assert_eq!(status(Method::GET, "/channels/a/history/"), 404);
        assert_eq!(status(Method::POST, "/channels/news.*"), 200);
        assert_eq!(status(Method::HEAD, "/sse"), 200);
        assert_eq!(status(Method::OPTIONS, "/channels/a"), 200);
        assert_eq!((status(Method::OPTIONS, "*"), status(Method::GET, "*")), (200, 404));
    }
}
