//! Connections: a page of them, one, and its end.

use fanfare_http::{Connection, ConnectionQuery, ConnectionSort, Whose};
use serde_json::{Value, json};
use tracing::info;

use crate::{
    answer::{
        problem::Problem,
        words::{self, policy},
    },
    operate::Operate,
    request::query::{Query, connection_number, digits},
};

pub(crate) const PARAMETERS: [&str; 5] = ["sort", "client", "channel", "after", "limit"];

const NOT_OPEN: &str = "there is no open stream with this number";

pub(crate) async fn list(operator: &impl Operate, query: &Query) -> Result<Value, Problem> {
    let limit = query.limit()?;
    let sort = query.read("sort", sort)?.unwrap_or_default();
    let wanted = ConnectionQuery {
        client: query.client("client")?,
        channel: query.channel("channel")?,
        sort,
        after: query.read("after", place)?,
        limit,
    };
    let found = operator.connections(wanted).await;
    // A full page may be the last one. Then the next one is empty.
    let next = found.last().filter(|_| found.len() >= limit).map(|last| cursor(last.place));
    Ok(json!({ "connections": found.iter().map(shown).collect::<Vec<_>>(), "next": next }))
}

pub(crate) async fn one(operator: &impl Operate, number: &str) -> Result<Value, Problem> {
    let found = operator.connection(connection_number(number)?).await;
    found.as_ref().map(shown).ok_or_else(|| Problem::not_found(NOT_OPEN))
}

pub(crate) async fn disconnect(operator: &impl Operate, number: &str) -> Result<Value, Problem> {
    let connection = connection_number(number)?;
    let disconnected = operator.disconnect(Whose::Connection(connection)).await;
    if disconnected == 0 {
        return Err(Problem::not_found(NOT_OPEN));
    }
    info!(connection, "admin: a stream ends");
    Ok(json!({ "disconnected": disconnected }))
}

fn sort(text: &str) -> Result<ConnectionSort, Problem> {
    match text {
        "number" => Ok(ConnectionSort::Number),
        "lag" => Ok(ConnectionSort::Lag),
        "bytes" => Ok(ConnectionSort::Bytes),
        _ => Err(Problem::bad_request(format!("sort: number, lag or bytes is needed, not {text:?}"))),
    }
}

fn cursor((value, number): (u64, u64)) -> String {
    format!("{value}.{number}")
}

fn place(text: &str) -> Result<(u64, u64), Problem> {
    let place = text.split_once('.').and_then(|(key, number)| Some((some_digits(key)?, some_digits(number)?)));
    place.ok_or_else(|| Problem::bad_request("after: the `next` of the page before is needed"))
}

fn some_digits(text: &str) -> Option<u64> {
    digits(text).filter(|_| !text.is_empty())
}

/// One connection.
pub(crate) fn shown(connection: &Connection) -> Value {
    let account = &connection.account;
    json!({
        "connection": connection.connection,
        "client": connection.client.as_str(),
        "channels": connection.channels.iter().map(|channel| channel.as_str()).collect::<Vec<_>>(),
        "patterns": connection.patterns.iter().map(|pattern| pattern.as_str()).collect::<Vec<_>>(),
        "shard": connection.shard,
        "policy": policy(connection.policy),
        "state": words::doing(connection.doing),
        "transport": connection.transport.as_str(),
        "peer": connection.peer.map(|peer| peer.to_string()),
        "holder": connection.holder,
        "opened": words::time(connection.opened),
        "age_ms": words::ms(connection.age),
        "expires": connection.expires.map(words::time),
        "silent_ms": words::ms(connection.silent),
        "waiting_bytes": connection.waiting_bytes,
        "lag": account.lag(),
        "account": {
            "matched": account.matched,
            "replayed": account.replayed,
            "written": account.written,
            "queued": account.queued(),
            "owed": account.owed,
            "dropped": account.dropped,
            "repaired": account.repaired,
            "lost": account.lost,
            "position": account.position.to_string(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_two_numbers() {
        assert_eq!(place("12.7"), Ok((12, 7)));
        for wrong in ["", ".", "1.", ".1", "1", "1.2.3", "a.1", "-1.1", "1.99999999999999999999"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
