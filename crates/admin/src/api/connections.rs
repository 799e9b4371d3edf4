//! Connections: a page of them, one, and its end.

use std::time::UNIX_EPOCH;

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
    let next = found.last().filter(|_| found.len() >= limit).map(|last| cursor(sort, last));
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
        "age" => Ok(ConnectionSort::Age),
        "bytes" => Ok(ConnectionSort::Bytes),
        _ => Err(Problem::bad_request(format!("sort: number, lag, age or bytes is needed, not {text:?}"))),
    }
}

/// The place of a connection in its list: the value of the sort key, and its number.
fn cursor(sort: ConnectionSort, last: &Connection) -> String {
    format!("{}.{}", key(sort, last), last.connection)
}

/// The value that a list is in the order of. The time of the start, in Unix milliseconds, stays the same from page to page. An age
/// does not.
fn key(sort: ConnectionSort, connection: &Connection) -> u64 {
    match sort {
        ConnectionSort::Number => connection.connection,
        ConnectionSort::Lag => connection.account.lag(),
        ConnectionSort::Age => {
            let opened = connection.opened.duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::try_from(opened.as_millis()).unwrap_or(u64::MAX)
        }
        ConnectionSort::Bytes => u64::try_from(connection.waiting_bytes).unwrap_or(u64::MAX),
    }
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
        "state": connection.state.as_str(),
        "transport": connection.transport.as_str(),
        "peer": connection.peer.map(|peer| peer.to_string()),
        "holder": connection.holder,
        "opened": words::time(connection.opened),
        "age_ms": connection.age_ms,
        "expires": connection.expires.map(words::time),
        "silent_ms": connection.silent_ms,
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
