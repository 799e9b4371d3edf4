//! [`Service`]: one request in, one answer out. hyper calls it. It finds the route, and the handler in this folder:
//!
//! - [`subscribe`]: opens event streams.
//! - [`publish`] and [`batch`]: publish one event, or many.
//! - [`history`]: shows what is kept of a channel.
//! - [`answer::Answer`]: the future of an answer.
//!
//! A handler knows no other handler, and no socket.

pub(crate) mod answer;
mod batch;
mod history;
mod publish;
mod subscribe;

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use hyper::{
    Method, Request, Response, StatusCode, Version,
    body::Incoming,
    header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue},
};

use tokio::time::sleep;

use crate::{
    answer::{body::Body, page, problem::Problem, refusal::Asked},
    app::App,
    link::{Carriage, Owed, Peer},
    request::{
        access,
        cors::{self, Cors},
        destination::{self, Destination},
        host,
        inbound::Inbound,
        route::Route,
        upload::Upload,
    },
    service::{answer::Answer, subscribe::subscribe},
};

/// Answers the requests of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) app: Arc<App>,
    pub(crate) peer: Peer,
}

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: Request<Incoming>) -> Answer {
        self.answer_to(request.map(Inbound::Hyper))
    }
}

impl Service {
    /// The answer to any request.
    pub(crate) fn answer_to(&self, request: Request<Inbound>) -> Answer {
        let owed = self.peer.link.owe();
        let asked = Box::new(Asked {
            app: Arc::clone(&self.app),
            method: request.method().clone(),
            uri: request.uri().clone(),
            address: self.peer.address,
        });
        let keep_alive = self.keep_alive(&request);
        let cors = Cors::of(&self.app.config, self.peer.is_tls, &request);
        let checked = match self.peer.link.activity.take_fragment() {
            true => Err(Problem::bad_request("the target must not have a #: in a name it is %23")),
            false => host::check(&request),
        };
        let route = checked.and_then(|()| Route::parse(request.method(), request.uri().path()));
        let is_own = route.as_ref().is_ok_and(|route| is_own(route, &request));
        let answer = match route {
            Ok(route) if !needs_past(&route, &request) => self.answer(route, request, owed),
            Ok(route) if self.app.hub.is_ready() && !may_be_ahead(&self.app, &route, &request) => {
                self.answer(route, request, owed)
            }
            Ok(route) => self.answer_when_ready(route, request, owed),
            Err(problem) => self.refuse(problem, request, owed),
        };
        let answer = answer.announcing(keep_alive).to(asked);
        if is_own { answer } else { answer.readable(cors) }
    }

    /// The header `Keep-Alive` of the answer, for HTTP/1.1 clients whose connection is kept.
    fn keep_alive(&self, request: &Request<Inbound>) -> Option<HeaderValue> {
        let is_kept = || {
            let options = request.headers().get_all(CONNECTION).iter();
            let mut options = options.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
            !options.any(|option| option.trim().eq_ignore_ascii_case("close")) && !self.app.phases.is_draining()
        };
        let is_told = self.peer.carriage == Carriage::Http1 && request.version() == Version::HTTP_11 && is_kept();
        is_told.then(|| self.app.keep_alive.clone()).flatten()
    }

    /// Answers once the hub has read enough. Before it has read the old events of its journal, a hub would answer as if they had
    /// never been. Before it has read all that the journal has now, it does not know an id that another node has told.
    fn answer_when_ready(&self, route: Route, request: Request<Inbound>, owed: Owed) -> Answer {
        let service = self.clone();
        let answer = async move {
            let read = async {
                service.app.hub.ready().await;
                if may_be_ahead(&service.app, &route, &request) {
                    service.app.hub.caught_up().await;
                }
            };
            tokio::select! {
                () = read => {}
                () = service.app.phases.draining() => {}
                () = sleep(service.app.config.ready_timeout) => {}
            }
            // A stream is refused in its own way, and what drains says so.
            let has_answer = service.app.hub.is_ready() || service.app.phases.is_draining();
            let answer = if has_answer || matches!(route, Route::Stream { .. }) {
                service.answer(route, request, owed)
            } else {
                service.refuse(Problem::not_ready(), request, owed)
            };
            let Ok(response) = answer.await;
            response
        };
        Answer::boxed(Box::pin(answer))
    }

    fn answer(&self, route: Route, request: Request<Inbound>, owed: Owed) -> Answer {
        let query = request.uri().query().unwrap_or_default();
        match route {
            Route::Stream { .. } if is_page(&request) => Answer::now(page::page(), owed),
            Route::Stream { channel, is_head } => {
                let (version, headers) = (request.version(), request.headers());
                let request = subscribe::Request { channel, query, version, headers, is_head };
                let answer = subscribe(&self.app, &self.peer, &owed, request);
                Answer::now(answer.unwrap_or_else(Problem::response), owed)
            }
            Route::History(channel) => {
                let (link, life, is_head) = (&self.peer.link, owed.life().clone(), request.method() == Method::HEAD);
                let request = history::Request { channel, query, link, life, is_head };
                Answer::now(history::history(&self.app, request).unwrap_or_else(Problem::response), owed)
            }
            Route::Publish(_) | Route::Batch => self.publish(route, request, owed),
            Route::Options { allow } => self.options(allow, request, owed),
            Route::Health => Answer::now(text(StatusCode::OK, "ok\n"), owed),
            Route::Ready => Answer::now(ready(&self.app), owed),
        }
    }
}

impl Service {
    fn publish(&self, route: Route, request: Request<Inbound>, owed: Owed) -> Answer {
        let app = Arc::clone(&self.app);
        let checked = access::check_origin(&app.config, self.peer.is_tls, request.uri(), request.headers())
            .and_then(|()| access::check_key(&app.config, request.headers()));
        if let Err(problem) = checked {
            return self.refuse(problem, request, owed);
        }
        let query = request.uri().query().unwrap_or_default().to_owned();
        let upload = Upload::new(&app, &self.peer.link, request);
        let destination = match route {
            Route::Publish(destination) => Some(destination),
            _ => destination::is_in(&query).then_some(Destination::InQuery),
        };
        let answer = async move {
            match destination {
                Some(destination) => publish::publish(app, publish::Request { destination, query, upload }).await,
                None => batch::publish(app, &query, upload).await,
            }
        };
        Answer::later(answer, owed)
    }

    fn options(&self, allow: &'static str, request: Request<Inbound>, owed: Owed) -> Answer {
        let headers = request.headers();
        let checked = match cors::asks_for_post(headers) {
            true => access::check_origin(&self.app.config, self.peer.is_tls, request.uri(), headers),
            false => Ok(()),
        };
        match checked {
            Ok(()) => Answer::now(cors::options(allow, headers), owed),
            Err(problem) => self.refuse(problem, request, owed),
        }
    }

    fn refuse(&self, problem: Problem, request: Request<Inbound>, owed: Owed) -> Answer {
        let upload = Upload::new(&self.app, &self.peer.link, request);
        Answer::later(
            async {
                upload.discard();
                problem.response()
            },
            owed,
        )
    }
}

/// Whether a route is there only for the server's own pages and for operators.
fn is_own(route: &Route, request: &Request<Inbound>) -> bool {
    match route {
        Route::Health | Route::Ready => true,
        Route::Stream { .. } => is_page(request),
        Route::Publish(_) | Route::Batch | Route::History(_) | Route::Options { .. } => false,
    }
}

/// Whether a request asks for events behind one that this node may have yet to read.
fn may_be_ahead(app: &App, route: &Route, request: &Request<Inbound>) -> bool {
    if !app.hub.is_shared() {
        return false;
    }
    let query = request.uri().query().unwrap_or_default();
    match route {
        Route::History(channel) => history::may_be_ahead(app, channel, query),
        Route::Stream { channel, is_head } => {
            let (version, headers, channel, is_head) =
                (request.version(), request.headers(), channel.clone(), *is_head);
            let request = subscribe::Request { channel, query, version, headers, is_head };
            subscribe::may_be_ahead(app, &request)
        }
        _ => false,
    }
}

/// Whether the answer depends on what was published before.
fn needs_past(route: &Route, request: &Request<Inbound>) -> bool {
    match route {
        Route::Health | Route::Ready | Route::Options { .. } => false,
        Route::Stream { .. } => !is_page(request),
        Route::Publish(_) | Route::Batch | Route::History(_) => true,
    }
}

fn is_page(request: &Request<Inbound>) -> bool {
    request.uri().path() == "/" && page::is_wanted(request.headers())
}

/// Whether the server wants traffic.
fn ready(app: &App) -> Response<Body> {
    let unready = |body: String| text(StatusCode::SERVICE_UNAVAILABLE, body);
    let trouble = app.hub.trouble().map(|trouble| format!("journal unavailable: {trouble}\n")).unwrap_or_default();
    match app.failure() {
        _ if app.phases.is_leaving() => unready("draining\n".to_owned()),
        Some(failure) => unready(format!("not ready: {failure}\n")),
        None if !app.hub.is_ready() => unready(format!("not ready: the journal has not been read\n{trouble}")),
        // Streams go on without a journal: sending them elsewhere would not help.
        None => text(StatusCode::OK, format!("ready\n{trouble}")),
    }
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::full(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
