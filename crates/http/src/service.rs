//! [`Service`]: one request in, one answer out. hyper calls it. It finds the route, and the handler in this folder:
//!
//! - [`subscribe`]: opens event streams.
//! - [`publish`] and [`batch`]: publish one event, or many.
//! - [`history`]: shows what is kept of a channel.
//! - [`redirect`]: sends browsers from plain HTTP to https.
//! - [`answer::Answer`]: the future of an answer.
//!
//! A handler knows no other handler, and no socket.

pub(crate) mod answer;
mod batch;
mod history;
mod publish;
mod redirect;
mod subscribe;

use std::{convert::Infallible, slice, sync::Arc};

use bytes::Bytes;
use fanfare_callers::{Act as CallerAct, Holding};
use fanfare_core::{ClientId, Pattern, Target};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Version,
    body::{Body as _, Incoming},
    header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue},
};

use tokio::time::sleep;

use crate::{
    access::authorize::{Act, Question},
    admission::{
        admit::{Admission, admit},
        quota::Quota,
        rights::Rights,
    },
    answer::{body::Body, page, problem::Problem, refusal::Asked},
    app::{App, unix_ms},
    figures::refused_streams::RefusedStream,
    limits::held::Held,
    link::{Carriage, Owed, Peer},
    request::{
        cors::{self, Cors},
        destination::{self, Destination},
        host,
        inbound::Inbound,
        origin,
        route::Route,
        upload::Upload,
        wanted::Wanted,
    },
    service::{answer::Answer, subscribe::subscribe},
    traces::{context::TraceContext, span::Trace},
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
        match self.client_of(&request) {
            Some(peer) => Self { app: Arc::clone(&self.app), peer }.answer_to_peer(request),
            None => self.answer_to_peer(request),
        }
    }

    /// The client for which a trusted proxy has sent the request, if it says so.
    fn client_of(&self, request: &Request<Inbound>) -> Option<Peer> {
        let (proxies, proxy) = (&self.app.config().proxies, self.peer.address.ip());
        let by = proxies.forwarded.filter(|_| proxies.trusted.contains(proxy))?;
        let lines: Vec<_> = request.headers().get_all(by.header()).iter().map(HeaderValue::as_bytes).collect();
        let client = by.client(proxy, lines, &proxies.trusted);
        if client == proxy.to_canonical() {
            return None;
        }
        let account = self.app.callers.client(client, self.app.now_ms());
        Some(Peer { address: (client, 0).into(), named: Some(Box::new(account)), ..self.peer.clone() })
    }

    fn answer_to_peer(&self, request: Request<Inbound>) -> Answer {
        self.app.counts.count_request();
        let owed = self.peer.link.owe();
        let asked = Box::new(Asked {
            app: Arc::clone(&self.app),
            method: request.method().clone(),
            uri: request.uri().clone(),
            address: self.peer.address,
        });
        let keep_alive = self.keep_alive(&request);
        let cors = Cors::of(&self.app.config(), self.peer.is_tls, &request);
        let checked = match self.peer.link.activity.take_fragment() {
            true => Err(Problem::bad_request("the target must not have a #: in a name it is %23")),
            false => host::check(&request),
        };
        let route = checked.and_then(|()| Route::parse(request.method(), request.uri().path()));
        let is_own = route.as_ref().is_ok_and(|route| is_own(route, &request));
        let moved = if self.peer.is_tls { None } else { redirect::to_https(&self.app.config(), &request) };
        let within_rate = self.peer.account().take(CallerAct::Request, 1, self.app.now_ms());
        let answer = match route {
            _ if let Err(refused) = within_rate => self.refuse_late(refused.into(), request, owed),
            _ if let Some(response) = moved => Answer::now(response, owed),
            Ok(route) => match act(&route, &request) {
                Some(act) => self.admit(act, route, request, owed),
                None => self.answer(route, request, owed),
            },
            Err(problem) => self.refuse(problem, request, owed),
        };
        let answer = answer.announcing(keep_alive).to(asked);
        if is_own { answer } else { answer.readable(cors) }
    }

    /// Answers a request that needs rights, if it has them.
    fn admit(&self, act: Act, route: Route, request: Request<Inbound>, owed: Owed) -> Answer {
        let (config, is_tls) = (&self.app.config(), self.peer.is_tls);
        let checked = match act {
            Act::Publish => origin::check_origin(config, is_tls, request.uri(), request.headers()),
            Act::Subscribe | Act::History => origin::check_reader(config, is_tls, request.uri(), request.headers()),
        };
        if let Err(problem) = checked {
            return self.refuse(problem, request, owed);
        }
        let question = |token| self.question(act, &route, &request, token);
        match admit(&self.app, act, is_tls, request.uri(), request.headers(), question) {
            Admission::Now(Ok(rights)) => self.answer_admitted(Admitted { route, rights }, request, owed),
            Admission::Now(Err(problem)) => self.refuse_late(problem, request, owed),
            Admission::Later(rights) => {
                let service = self.clone();
                Answer::boxed(Box::pin(async move {
                    let answer = match rights.await {
                        Ok(rights) => service.answer_admitted(Admitted { route, rights }, request, owed),
                        Err(problem) => service.refuse_late(problem, request, owed),
                    };
                    let Ok(response) = answer.await;
                    response
                }))
            }
        }
    }

    /// The question for the application. None if the request is wrong.
    fn question(
        &self,
        act: Act,
        route: &Route,
        request: &Request<Inbound>,
        token: Option<Vec<u8>>,
    ) -> Option<Question> {
        let query = request.uri().query().unwrap_or_default();
        let (channels, client, all) = match route {
            Route::Stream { channel, is_head } => {
                let (version, headers) = (request.version(), request.headers());
                let (channel, is_head) = (channel.clone(), *is_head);
                let request = subscribe::Request { channel, query, version, headers, is_head };
                let (channels, client) = subscribe::named(&self.app, &request)?;
                (channels, client, false)
            }
            Route::History(channel) => (vec![channel.to_string()], None, false),
            Route::Publish(destination) => named(&destination.targets(query, self.app.config().channels_max)?),
            Route::Batch if destination::is_in(query) => {
                named(&Destination::InQuery.targets(query, self.app.config().channels_max)?)
            }
            Route::Batch | Route::Options { .. } | Route::Health | Route::Ready => (Vec::new(), None, false),
        };
        let (method, headers) = (request.method().clone(), request.headers().clone());
        Some(Question { act, method, channels, client, all, address: self.peer.address.ip(), headers, token })
    }

    fn answer_admitted(&self, admitted: Admitted, request: Request<Inbound>, owed: Owed) -> Answer {
        // Before anything is looked up for it: how long that takes tells what is there.
        if self.app.hub.is_shared()
            && let Err(problem) = check(&self.app, &admitted, &request)
        {
            return self.refuse(problem, request, owed);
        }
        if self.app.hub.is_ready() && !may_be_ahead(&self.app, &admitted.route, &request) {
            return self.act(admitted, request, owed);
        }
        self.answer_when_ready(admitted, request, owed)
    }

    /// The header `Keep-Alive` of the answer, for HTTP/1.1 clients whose connection is kept.
    fn keep_alive(&self, request: &Request<Inbound>) -> Option<HeaderValue> {
        let is_kept = || {
            let options = request.headers().get_all(CONNECTION).iter();
            let mut options = options.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
            !options.any(|option| option.trim().eq_ignore_ascii_case("close")) && !self.app.phases.is_draining()
        };
        let is_told = self.peer.carriage == Carriage::Http1 && request.version() == Version::HTTP_11 && is_kept();
        is_told.then(|| self.app.config().keep_alive.clone()).flatten()
    }

    /// Answers once the hub has read enough. Before it has read the old events of its journal, a hub would answer as if they had
    /// never been. Before it has read all that the journal has now, it does not know an id that another node has told.
    fn answer_when_ready(&self, admitted: Admitted, request: Request<Inbound>, owed: Owed) -> Answer {
        let service = self.clone();
        let answer = async move {
            let read = async {
                service.app.hub.ready().await;
                if may_be_ahead(&service.app, &admitted.route, &request) {
                    service.app.hub.caught_up().await;
                }
            };
            tokio::select! {
                () = read => {}
                () = service.app.phases.draining() => {}
                () = sleep(service.app.config().ready_timeout) => {}
            }
            // A stream is refused in its own way, and what drains says so.
            let has_answer = service.app.hub.is_ready() || service.app.phases.is_draining();
            let answer = if has_answer || matches!(admitted.route, Route::Stream { .. }) {
                service.act(admitted, request, owed)
            } else {
                service.refuse(Problem::not_ready(), request, owed)
            };
            let Ok(response) = answer.await;
            response
        };
        Answer::boxed(Box::pin(answer))
    }

    /// Answers a request that needs no rights.
    fn answer(&self, route: Route, request: Request<Inbound>, owed: Owed) -> Answer {
        match route {
            Route::Options { allow } => self.options(allow, request, owed),
            Route::Health => Answer::now(text(StatusCode::OK, "ok\n"), owed),
            Route::Ready => Answer::now(ready(&self.app), owed),
            // The others need rights, but for the page.
            _ => Answer::now(page::page(), owed),
        }
    }

    /// Answers a request with the rights that it has.
    fn act(&self, admitted: Admitted, request: Request<Inbound>, owed: Owed) -> Answer {
        let Admitted { route, rights } = admitted;
        let query = request.uri().query().unwrap_or_default();
        match route {
            Route::Stream { channel, is_head } => {
                let (version, headers) = (request.version(), request.headers());
                let request = subscribe::Request { channel, query, version, headers, is_head };
                let (names, headers) = (request.channel.clone(), request.headers);
                let answer = subscribe(&self.app, &self.peer, &owed, &rights, request);
                if let Err(problem) = &answer {
                    let own = rights.grant().and_then(|grant| grant.client.clone());
                    self.note_refused(problem, own, names.as_ref(), query, headers);
                }
                Answer::now(answer.unwrap_or_else(Problem::response), owed)
            }
            Route::History(channel) => {
                match self.peer.account().enter(Holding::HistoryPage) {
                    Ok(seat) => owed.occupy(Held::Page(seat)),
                    Err(refused) => return self.refuse(refused.into(), request, owed),
                }
                let (link, life, is_head) = (&self.peer.link, owed.life().clone(), request.method() == Method::HEAD);
                let request = history::Request { channel, query, link, life, is_head };
                Answer::now(history::history(&self.app, &rights, request).unwrap_or_else(Problem::response), owed)
            }
            Route::Publish(destination) => self.publish(Some(destination), rights, request, owed),
            _ => {
                let is_one = destination::is_in(query);
                self.publish(is_one.then_some(Destination::InQuery), rights, request, owed)
            }
        }
    }
}

/// A request that may be made, if its rights cover what it asks for.
struct Admitted {
    route: Route,
    rights: Rights,
}

impl Service {
    /// Publishes one event, or a batch if there is no destination.
    fn publish(
        &self,
        destination: Option<Destination>,
        rights: Rights,
        request: Request<Inbound>,
        owed: Owed,
    ) -> Answer {
        let app = Arc::clone(&self.app);
        let (query, address) = (request.uri().query().unwrap_or_default().to_owned(), self.peer.address);
        let context = TraceContext::of(request.headers());
        let trace = context.map(|context| Trace { context, began_us: app.now_us() });
        let quota = Quota::new(&app, self.peer.account(), &rights);
        let has_body = !request.body().is_end_stream();
        let seat = match has_body.then(|| self.peer.account().enter(Holding::Body)).transpose() {
            Ok(seat) => seat,
            Err(refused) => return self.refuse(refused.into(), request, owed),
        };
        let upload = Upload::new(&app, &self.peer.link, request);
        let answer = async move {
            let _seat = seat;
            match destination {
                Some(destination) => {
                    publish::publish(app, publish::Request { destination, query, rights, quota, upload, trace }).await
                }
                None => batch::publish(app, batch::Request { query, rights, quota, address, upload, trace }).await,
            }
        };
        Answer::later(answer, owed)
    }

    fn options(&self, allow: &'static str, request: Request<Inbound>, owed: Owed) -> Answer {
        let headers = request.headers();
        let checked = match cors::asks_for_post(headers) {
            true => origin::check_origin(&self.app.config(), self.peer.is_tls, request.uri(), headers),
            false => origin::check_reader(&self.app.config(), self.peer.is_tls, request.uri(), headers),
        };
        match checked {
            Ok(()) => Answer::now(cors::options(&self.app.config(), allow, headers), owed),
            Err(problem) => self.refuse(problem, request, owed),
        }
    }

    /// Refuses a request whose client may come back. A browser that asks for a stream is told so in its own way.
    fn refuse_late(&self, problem: Problem, request: Request<Inbound>, owed: Owed) -> Answer {
        let Ok(Route::Stream { channel, .. }) = Route::parse(request.method(), request.uri().path()) else {
            return self.refuse(problem, request, owed);
        };
        let query = request.uri().query().unwrap_or_default();
        self.note_refused(&problem, None, channel.as_ref(), query, request.headers());
        if !problem.is_passing() {
            return self.refuse(problem, request, owed);
        }
        let refused = subscribe::refuse(&self.app, problem, request.headers(), request.version());
        Answer::now(refused.unwrap_or_else(Problem::response), owed)
    }

    /// Remembers that a stream was refused by a rule, if its client is known. `own` is the client that its grant names.
    fn note_refused(
        &self,
        problem: &Problem,
        own: Option<ClientId>,
        channel: Option<&Pattern>,
        query: &str,
        headers: &HeaderMap,
    ) {
        let Some(rule) = problem.rule() else { return };
        if let Ok(wanted) = Wanted::parse(&self.app.config(), channel, query, headers)
            && let Some(client) = wanted.client.or(own)
        {
            let channels = wanted.channels.iter().filter_map(|channel| Pattern::new(channel.as_str()).ok());
            let names = channels.chain(wanted.patterns).collect();
            let refused = RefusedStream { client, names, rule: rule.name(), at_ms: unix_ms() };
            self.app.refused_streams.push(refused);
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

/// Whether the rights of a reader cover what it asks for.
fn check(app: &App, admitted: &Admitted, request: &Request<Inbound>) -> Result<(), Problem> {
    let query = request.uri().query().unwrap_or_default();
    match &admitted.route {
        Route::Stream { channel, .. } => {
            let wanted = Wanted::parse(&app.config(), channel.as_ref(), query, request.headers())?;
            admitted.rights.check_follow(&wanted.channels, &wanted.patterns)?;
            admitted.rights.client(wanted.client).map(drop)
        }
        Route::History(channel) => admitted.rights.check_follow(slice::from_ref(channel), &[]),
        _ => Ok(()),
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

/// What a request does that needs rights. Its answer depends on what was published before.
fn act(route: &Route, request: &Request<Inbound>) -> Option<Act> {
    match route {
        Route::Stream { .. } if is_page(request) => None,
        Route::Stream { .. } => Some(Act::Subscribe),
        Route::History(_) => Some(Act::History),
        Route::Publish(_) | Route::Batch => Some(Act::Publish),
        Route::Options { .. } | Route::Health | Route::Ready => None,
    }
}

/// The channels and the client among `targets`, and whether all are among them.
fn named(targets: &[Target]) -> (Vec<String>, Option<String>, bool) {
    let channels =
        targets.iter().filter(|target| matches!(target, Target::Channel(_))).map(Target::to_string).collect();
    let client = targets.iter().find(|target| matches!(target, Target::Client(_))).map(Target::to_string);
    (channels, client, targets.contains(&Target::All))
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
