//! Follows a stream of Fanfare, and comes back when it ends.
//!
//!     cargo run --example follow -- http://127.0.0.1:3000/channels/news
//!
//! A token comes from `FANFARE_TOKEN`, if the server wants one. Any client of HTTP will do: this one is `reqwest`, and
//! [`fanfare_sse::Parser`] reads what it gets.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints")]

use std::{env, process::ExitCode, time::Duration};

use fanfare_sse::{Item, Limits, Parser};
use reqwest::{Client, Response};

/// The most that is kept of each part of a stream.
static LIMITS: Limits = Limits { data_bytes: 1 << 20, id_bytes: 256, kind_bytes: 256, comment_bytes: 0 };
/// Three heartbeats of the server. After this silence the connection is taken to be dead.
const SILENCE: Duration = Duration::from_secs(45);

/// Calls `handle` with the type and the data of each event. Returns why the server refuses the stream.
async fn follow(url: &str, token: Option<&str>, mut handle: impl FnMut(&str, &str)) -> reqwest::Result<String> {
    let client = Client::builder().connect_timeout(SILENCE).read_timeout(SILENCE).build()?;
    // It keeps the last id, and how long to wait, over all connections.
    let mut parser = Parser::new(&LIMITS);
    loop {
        let mut request = client.get(url).header("Accept", "text/event-stream");
        if !parser.last_id().is_empty() {
            request = request.header("Last-Event-ID", parser.last_id());
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let mut wait = None;
        // The network may fail: it is tried again.
        if let Ok(response) = request.send().await {
            match response.status().as_u16() {
                200 => read(response, &mut parser, &mut handle).await,
                status @ (400..=428 | 430..=499) => return Ok(format!("{status}: {}", response.text().await?)),
                _ => wait = retry_after(&response),
            }
        }
        tokio::time::sleep(wait.or(parser.retry()).unwrap_or(Duration::from_secs(3))).await;
    }
}

/// Reads a stream to its end, or until it is silent for too long.
async fn read(mut response: Response, parser: &mut Parser, handle: &mut impl FnMut(&str, &str)) {
    parser.reconnect();
    while let Ok(Some(bytes)) = response.chunk().await {
        parser.feed(&bytes, |item| {
            if let Item::Event(event) = item {
                handle(&String::from_utf8_lossy(event.kind), &String::from_utf8_lossy(event.data));
            }
        });
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    response.headers().get("Retry-After")?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(url) = env::args().nth(1) else {
        eprintln!("usage: follow URL");
        return ExitCode::FAILURE;
    };
    let token = env::var("FANFARE_TOKEN").ok();
    let refused = follow(&url, token.as_deref(), |kind, data| {
        // fanfare.cursor only tells a position, and fanfare.gap that events are missing: load your state anew.
        if kind != "fanfare.cursor" {
            println!("{kind}: {data}");
        }
    });
    match refused.await {
        Ok(why) => eprintln!("{why}"),
        Err(error) => eprintln!("{error}"),
    }
    ExitCode::FAILURE
}
