//! What became of an event, for a client or on a connection, as JSON and as sentences.

use fanfare_http::{ConnectionFate, EventId, Explanation, Place, Verdict};
use serde_json::{Value, json};

use crate::{
    answer::{
        problem::Problem,
        words::{close_reason, gap, target, time},
    },
    operate::Operate,
    request::query::{Query, connection_number},
};

pub(crate) const PARAMETERS: [&str; 3] = ["event", "client", "connection"];

pub(crate) async fn explain(operator: &impl Operate, query: &Query) -> Result<Value, Problem> {
    let event = query.read("event", |text| {
        text.parse::<EventId>().map_err(|error| Problem::bad_request(format!("event: {error}, not {text:?}")))
    })?;
    let Some(event) = event else { return Err(Problem::bad_request("event: the id of an event is needed")) };
    let explanation = match (query.client("client")?, query.read("connection", connection_number)?) {
        (Some(client), None) => operator.explain(event, &client).await,
        (None, Some(connection)) => {
            let known = operator.explain_connection(event, connection).await;
            known.ok_or_else(|| Problem::not_found("this connection never was, or it is not known any more"))?
        }
        _ => return Err(Problem::bad_request("either `client` or `connection` is needed")),
    };
    Ok(shown(&explanation))
}

fn shown(explanation: &Explanation) -> Value {
    json!({
        "event": explanation.event.to_string(),
        "targets": explanation.targets.as_ref().map(|targets| targets.iter().map(target).collect::<Vec<_>>()),
        "trace": explanation.trace.map(|trace| trace.to_string()),
        "verdict": verdict(&explanation.verdict),
        "connections": explanation.connections.iter().map(fate).collect::<Vec<_>>(),
    })
}

fn fate(fate: &ConnectionFate) -> Value {
    let closed = fate.closed.map(|(at, reason)| json!({ "at": time(at), "reason": close_reason(reason) }));
    json!({
        "connection": fate.connection,
        "client": fate.client.as_str(),
        "opened": time(fate.opened),
        "closed": closed,
        "verdict": verdict(&fate.verdict),
    })
}

/// The kind, the sentence, and what else is known.
fn verdict(verdict: &Verdict) -> Value {
    let (kind, text, mut more) = match verdict {
        Verdict::NoSuchEvent => ("no-such-event", "No event has this id.".to_owned(), json!({})),
        Verdict::NotConnected => (
            "not-connected",
            "The client had no stream at this server then, or its stream began behind the event.".to_owned(),
            json!({}),
        ),
        Verdict::Refused { rule, at } => {
            let at = time(*at);
            let text = format!("A stream of the client was refused at {at} by the rule {rule}.");
            ("refused", text, json!({ "rule": rule, "at": at }))
        }
        Verdict::NotSubscribed => {
            ("not-subscribed", "The connection follows no target of the event.".to_owned(), json!({}))
        }
        Verdict::Written { from, to } => {
            let (from, to) = (time(*from), time(*to));
            let text = format!("The socket took the event between {from} and {to}.");
            ("written", text, json!({ "from": from, "to": to }))
        }
        Verdict::Repaired { from, to } => {
            let (from, to) = (time(*from), time(*to));
            let text = format!("The history gave the event, and the socket took it between {from} and {to}.");
            ("repaired", text, json!({ "from": from, "to": to }))
        }
        Verdict::Waiting { place } => {
            let (place, text) = waiting(*place);
            ("waiting", text.to_owned(), json!({ "place": place }))
        }
        Verdict::Dropped { gap: told } => {
            let text = match told {
                Some(_) => "The ring was full, the event was dropped, and the stream was told a gap.",
                None => "The ring was full and the event was dropped. The stream will be told a gap.",
            };
            ("dropped", text.to_owned(), json!({ "gap": told.as_ref().map(gap) }))
        }
        Verdict::InGap { gap: told } => {
            let text = match told {
                Some(_) => "The history had let go of the event, and the stream was told a gap.",
                None => "The history has let go of the event, and the stream will be told a gap.",
            };
            ("in-gap", text.to_owned(), json!({ "gap": told.as_ref().map(gap) }))
        }
        Verdict::Closed { reason, at } => {
            let (reason, at) = (close_reason(*reason), time(*at));
            let text = format!("The stream ended at {at} before the event was written: {reason}.");
            ("closed", text, json!({ "reason": reason, "at": at }))
        }
        Verdict::TooLongAgo => ("too-long-ago", "That was too long ago: nobody knows any more.".to_owned(), json!({})),
    };
    more["kind"] = kind.into();
    more["text"] = text.into();
    more
}

fn waiting(place: Place) -> (&'static str, &'static str) {
    match place {
        Place::Inbox => ("inbox", "The event waits in the queue in front of the shard of the connection."),
        Place::Ring => ("ring", "The event waits in the ring of the connection."),
        Place::Socket => ("socket", "Part of the event is in the socket."),
        Place::History => ("history", "The event waits in the history, which the connection reads at its own pace."),
    }
}
