//! Channels: a page of them, one, and what is done to one.

use fanfare_http::{Channel, ChannelAccount, PublishError, Whose};
use serde_json::{Value, json};
use tracing::info;

use crate::{
    answer::problem::Problem,
    operate::Operate,
    request::query::{Query, wrong_name},
};

pub(crate) const PARAMETERS: [&str; 3] = ["sort", "after", "limit"];

pub(crate) fn list(operator: &impl Operate, query: &Query) -> Result<Value, Problem> {
    let (limit, after) = (query.limit()?, query.channel("after")?);
    let (mut found, is_paged) = match query.one("sort") {
        // One more shows whether there is a next page.
        None | Some("name") => (operator.channels(after.as_ref(), limit + 1), true),
        Some("connections") if after.is_some() => {
            return Err(Problem::bad_request("sort=connections has one page only: leave `after` out"));
        }
        Some("connections") => (operator.busiest_channels(limit), false),
        Some(other) => return Err(Problem::bad_request(format!("sort: name or connections is needed, not {other:?}"))),
    };
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| is_paged && has_more).map(|(channel, _)| channel.as_str());
    let channels: Vec<_> = found.iter().map(|(channel, account)| figures(channel, account)).collect();
    Ok(json!({ "channels": channels, "next": next }))
}

pub(crate) fn one(operator: &impl Operate, name: &str) -> Result<Value, Problem> {
    let channel = named(name)?;
    let (account, events, bytes) = operator.channel(&channel);
    if account.is_none() && events == 0 {
        return Err(Problem::not_found("nobody follows this channel by name, and nothing is kept of it"));
    }
    let figures = account.map(|account| figures(&channel, &account));
    Ok(json!({ "channel": channel.as_str(), "figures": figures, "history": { "events": events, "bytes": bytes } }))
}

pub(crate) async fn purge(operator: &impl Operate, name: &str) -> Result<Value, Problem> {
    let channel = named(name)?;
    let events = operator.purge(&channel).await.map_err(|error| match error {
        PublishError::Unknown => Problem::full("the journal broke: the events may have been thrown away"),
        error => Problem::full(format!("nothing was thrown away: {error}")),
    })?;
    info!(channel = channel.as_str(), events, "admin: the history of a channel was thrown away");
    Ok(json!({ "events": events }))
}

pub(crate) async fn disconnect(operator: &impl Operate, name: &str) -> Result<Value, Problem> {
    let channel = named(name)?;
    let disconnected = operator.disconnect(Whose::Channel(channel.clone())).await;
    info!(channel = channel.as_str(), disconnected, "admin: the streams of a channel end");
    Ok(json!({ "disconnected": disconnected }))
}

fn named(name: &str) -> Result<Channel, Problem> {
    Channel::new(name).map_err(|error| wrong_name("channel", error))
}

/// The figures of one channel.
pub(crate) fn figures(channel: &Channel, account: &ChannelAccount) -> Value {
    json!({
        "channel": channel.as_str(),
        "connections": account.connections,
        "matched": account.matched,
        "written": account.written,
        "queued": account.queued,
        "given_up": account.given_up,
        "dropped": account.dropped,
        "repaired": account.repaired,
        "lost": account.lost,
        "position": account.position.to_string(),
    })
}
