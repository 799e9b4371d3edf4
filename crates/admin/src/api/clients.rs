//! Clients: a page of them, one with its connections, and its end.

use fanfare_http::{ClientId, ConnectionQuery, Whose};
use serde_json::{Value, json};
use tracing::info;

use crate::{
    answer::problem::Problem,
    api::connections,
    operate::Operate,
    request::query::{LIMIT_MAX, Query, wrong_name},
};

pub(crate) const PARAMETERS: [&str; 2] = ["after", "limit"];

const NOT_CONNECTED: &str = "this client is not connected";

pub(crate) fn list(operator: &impl Operate, query: &Query) -> Result<Value, Problem> {
    let (limit, after) = (query.limit()?, query.client("after")?);
    let mut found = operator.clients(after.as_ref(), limit + 1);
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(|(client, _)| client.as_str());
    let one =
        |(client, connections): &(ClientId, usize)| json!({ "client": client.as_str(), "connections": connections });
    Ok(json!({ "clients": found.iter().map(one).collect::<Vec<_>>(), "next": next }))
}

pub(crate) async fn one(operator: &impl Operate, name: &str) -> Result<Value, Problem> {
    let client = named(name)?;
    let query = ConnectionQuery { client: Some(client.clone()), limit: LIMIT_MAX, ..ConnectionQuery::default() };
    let found = operator.connections(query).await;
    if found.is_empty() {
        return Err(Problem::not_found(NOT_CONNECTED));
    }
    let connections: Vec<_> = found.iter().map(connections::shown).collect();
    Ok(json!({ "client": client.as_str(), "connections": connections }))
}

pub(crate) async fn disconnect(operator: &impl Operate, name: &str) -> Result<Value, Problem> {
    let client = named(name)?;
    let disconnected = operator.disconnect(Whose::Client(client.clone())).await;
    if disconnected == 0 {
        return Err(Problem::not_found(NOT_CONNECTED));
    }
    info!(client = client.as_str(), disconnected, "admin: the streams of a client end");
    Ok(json!({ "disconnected": disconnected }))
}

fn named(name: &str) -> Result<ClientId, Problem> {
    ClientId::new(name).map_err(|error| wrong_name("client", error))
}
