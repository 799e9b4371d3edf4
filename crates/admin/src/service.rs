//! [`Service`]: one request in, one answer out.

use std::{convert::Infallible, rc::Rc, time::Instant};

use hyper::{Method, Request, Response, StatusCode, body::Incoming, http::request::Parts};
use serde_json::Value;
use tokio::time::timeout;
use tracing::{debug, error, warn};

use crate::{
    answer::{self, body::Body, files, problem::Problem},
    api::{act, channels, clients, connections, explain, figures, publish, status},
    console::Console,
    control::Control,
    metrics,
    operate::Operate,
    request::{
        body,
        guard::{check_site, check_token},
        query::Query,
        route::{Place, Route},
    },
    stream::{events, pulse::Pulse, tail},
};

const DOCUMENT: &str = include_str!("openapi.json");

/// What answers the requests of all connections.
pub(crate) struct Service<O, C> {
    pub(crate) console: Rc<Console<O, C>>,
    pub(crate) pulse: Rc<Pulse>,
}

impl<O: Operate, C: Control> Service<O, C> {
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let (parts, body) = request.into_parts();
        let within = self.console.admin.limits.answer_timeout;
        let answered = timeout(within, self.routed(&parts, body)).await;
        let answered = answered.unwrap_or_else(|_| Err(Problem::too_slow(within)));
        Ok(answered.unwrap_or_else(|problem| {
            self.log(&parts, &problem);
            problem.response()
        }))
    }

    /// Somebody who tries tokens has a line that is seen, but no more than one a second. What they try is not shown.
    fn log(&self, parts: &Parts, problem: &Problem) {
        let (status, path) = (problem.status().as_u16(), parts.uri.path());
        if !problem.is_wrong_token() {
            debug!(method = %parts.method, path, status, reason = problem.detail(), "admin: a request was refused");
        } else if let Some(left_out) = self.console.wrong_tokens.admit(Instant::now()) {
            let left_out = (left_out > 0).then_some(left_out);
            warn!(method = %parts.method, path, left_out, "admin: a wrong token was shown");
        }
    }

    async fn routed(&self, parts: &Parts, body: Incoming) -> Result<Response<Body>, Problem> {
        let console = &self.console;
        check_site(&console.admin, parts)?;
        let route = Route::find(&parts.method, parts.uri.path())?;
        if !route.is_open() {
            check_token(&console.admin, &parts.headers)?;
        }
        let not_found = || Problem::not_found("there is no such file");
        match route.place {
            Place::Dashboard => files::page(&parts.headers).ok_or_else(not_found),
            Place::Asset => files::file(&route.name, &parts.headers).ok_or_else(not_found),
            Place::Health => self.health(),
            Place::Metrics => self.metrics(parts),
            Place::Document => query(parts, &[]).map(|_| answer::of(StatusCode::OK, "application/json", DOCUMENT)),
            Place::Events => {
                query(parts, &[])?;
                is_head(parts).map_or_else(|| events::events(console, &self.pulse), Ok)
            }
            Place::Tail => {
                let query = Query::parse(parts.uri.query(), &tail::PARAMETERS, Some("channel"))?;
                match is_head(parts) {
                    Some(head) => Ok(head),
                    None => tail::tail(console, &query).await,
                }
            }
            Place::Publish => {
                let wait = publish::wait(&query(parts, &publish::PARAMETERS)?)?;
                let body = body::json(&parts.headers, body, &console.admin.limits).await?;
                Ok(answer::json(StatusCode::ACCEPTED, &publish::publish(&console.handle, &body, wait).await?))
            }
            Place::Drain => {
                query(parts, &[])?;
                Ok(answer::json(StatusCode::ACCEPTED, &act::drain(console)))
            }
            _ => self.asked(parts, &route).await.map(|value| answer::json(StatusCode::OK, &value)),
        }
    }

    /// Routes that answer 200 with JSON.
    async fn asked(&self, parts: &Parts, route: &Route) -> Result<Value, Problem> {
        let (console, name) = (&self.console, route.name.as_str());
        let operator = &console.operator;
        let is_delete = parts.method == Method::DELETE;
        let query = query(parts, parameters(route.place))?;
        match route.place {
            Place::Status => return Ok(status::status(console)),
            Place::Figures => return Ok(figures::figures(&operator.figures(), console.admin.journal)),
            Place::Channels => return channels::list(operator, &query),
            Place::Channel => return channels::one(operator, name),
            Place::Clients => return clients::list(operator, &query),
            Place::Reload => return act::reload(console).await,
            _ => {}
        }
        // These ask the shards.
        let _question = console.question().await;
        match route.place {
            Place::ChannelHistory => channels::purge(operator, name).await,
            Place::ChannelConnections => channels::disconnect(operator, name).await,
            Place::Client if is_delete => clients::disconnect(operator, name).await,
            Place::Client => clients::one(operator, name).await,
            Place::Connections => connections::list(operator, &query).await,
            Place::Connection if is_delete => connections::disconnect(operator, name).await,
            Place::Connection => connections::one(operator, name).await,
            Place::Explain => explain::explain(operator, &query).await,
            _ => Err(Problem::not_found("there is no such route")),
        }
    }

    /// Whoever watches over the process restarts it when it has failed.
    fn health(&self) -> Result<Response<Body>, Problem> {
        match self.console.state().failure {
            None => Ok(answer::of(StatusCode::OK, "text/plain; charset=utf-8", "ok\n")),
            Some(failure) => Err(Problem::full(format!("a part of the server has failed: {failure}"))),
        }
    }

    fn metrics(&self, parts: &Parts) -> Result<Response<Body>, Problem> {
        let scraped = metrics::scrape(&self.console, &parts.headers);
        let (kind, content) = scraped.map_err(|_| {
            error!("admin: the metrics could not be encoded");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be encoded")
        })?;
        Ok(answer::of(StatusCode::OK, kind, content))
    }
}

/// The parameters that a route knows.
fn parameters(place: Place) -> &'static [&'static str] {
    match place {
        Place::Channels => &channels::PARAMETERS,
        Place::Clients => &clients::PARAMETERS,
        Place::Connections => &connections::PARAMETERS,
        Place::Explain => &explain::PARAMETERS,
        _ => &[],
    }
}

fn query(parts: &Parts, known: &[&str]) -> Result<Query, Problem> {
    Query::parse(parts.uri.query(), known, None)
}

/// The head of an event stream, for whoever wants nothing but that.
fn is_head(parts: &Parts) -> Option<Response<Body>> {
    (parts.method == Method::HEAD).then(|| answer::of(StatusCode::OK, events::KIND, ""))
}
