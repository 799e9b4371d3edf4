//! `fanfare explain`: asks a server what became of an event, and prints it for people.

use std::io::{Write as _, stdout};

use hyper::{
    HeaderMap, StatusCode,
    header::{AUTHORIZATION, HeaderValue},
};
use serde::Deserialize;

use crate::{
    args::ExplainArgs,
    client::{self, Client},
    failure::Failure,
    harmless::harmless,
};

/// The answer of the server, as far as it is shown.
#[derive(Deserialize)]
struct Explanation {
    /// The trace that the publisher has named. A server of an older version does not know it.
    #[serde(default)]
    trace: Option<String>,
    verdict: Verdict,
    connections: Vec<Fate>,
}

#[derive(Deserialize)]
struct Fate {
    connection: u64,
    client: String,
    opened: String,
    closed: Option<Closed>,
    verdict: Verdict,
}

#[derive(Deserialize)]
struct Closed {
    at: String,
    reason: String,
}

#[derive(Deserialize)]
struct Verdict {
    kind: String,
    text: String,
}

/// Asks, and prints the answer.
pub(crate) fn run(args: &ExplainArgs) -> Result<(), Failure> {
    client::run(async {
        let mut headers = HeaderMap::new();
        if let Some(token) = args.token()? {
            let value = HeaderValue::from_str(&format!("Bearer {token}"));
            headers.insert(AUTHORIZATION, value.map_err(|_| Failure::usage("the admin token cannot be sent"))?);
        }
        let url = args.url();
        let answer = Client::new(&args.reach).get(&url, headers).await;
        let reply = answer.map_err(|error| Failure::failed(error.told(&url)))?.read().await;
        if reply.status != StatusCode::OK {
            let needs_token = reply.status == StatusCode::UNAUTHORIZED;
            let help = if needs_token { "; give the token with --admin-token or FANFARE_ADMIN_TOKEN" } else { "" };
            return Err(Failure::failed(format!("{}{help}", reply.refusal(&url))));
        }
        let text = match args.json {
            true => format!("{}\n", reply.text.trim_end()),
            false => {
                let explanation = serde_json::from_str(&reply.text);
                told(&explanation.map_err(|error| Failure::failed(format!("{url} is no admin listener: {error}")))?)
            }
        };
        // A reader that closes the output has seen enough.
        let _ = stdout().lock().write_all(text.as_bytes());
        Ok(())
    })
}

/// The verdict, and a line for each connection.
fn told(explanation: &Explanation) -> String {
    let Explanation { trace, verdict, connections } = explanation;
    let mut text = format!("{}: {}\n", harmless(&verdict.kind), harmless(&verdict.text));
    if let Some(trace) = trace {
        text += &format!("trace {}\n", harmless(trace));
    }
    for Fate { connection, client, opened, closed, verdict } in connections {
        let (client, opened) = (harmless(client), harmless(opened));
        let ended = closed.as_ref().map_or_else(
            || "open".to_owned(),
            |closed| format!("closed {} ({})", harmless(&closed.at), harmless(&closed.reason)),
        );
        let (kind, said) = (harmless(&verdict.kind), harmless(&verdict.text));
        text += &format!("connection {connection} of {client}, opened {opened}, {ended}\n  {kind}: {said}\n");
    }
    text
}
