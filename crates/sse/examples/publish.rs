//! Publishes one event to Fanfare, once, also when it has to ask again.
//!
//!     cargo run --example publish -- http://127.0.0.1:3000/channels/news "hello" tick
//!
//! The key comes from `FANFARE_PUBLISH_KEY`, if the server has one. Any client of HTTP will do: this one is `reqwest`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints")]

use std::{
    env,
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use reqwest::{Client, Url};

const ATTEMPTS: u32 = 5;
const TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the server's answer: `{"id":...,"matched":...}`. Fails when the server refuses the event, or when it cannot be
/// reached.
async fn publish(url: &str, data: &str, event: Option<&str>, key: Option<&str>) -> Result<String, String> {
    let mut url = Url::parse(url).map_err(|error| error.to_string())?;
    if let Some(event) = event {
        url.query_pairs_mut().append_pair("event", event);
    }
    let client = Client::builder().timeout(TIMEOUT).build().map_err(|error| error.to_string())?;
    // The same in each attempt, so that the event is published once.
    let once = format!(
        "{:032x}-{}",
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos(),
        std::process::id()
    );
    let mut reason = String::new();
    for attempt in 0..ATTEMPTS {
        let mut wait = Duration::from_millis(250) * 2_u32.pow(attempt);
        let mut request = client.post(url.clone()).body(data.to_owned()).header("Idempotency-Key", &once);
        request = request.header("Content-Type", "text/plain; charset=utf-8");
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        match request.send().await {
            Ok(response) => {
                let status = response.status();
                let retry_after = response.headers().get("Retry-After").and_then(|it| it.to_str().ok()?.parse().ok());
                wait = retry_after.map_or(wait, Duration::from_secs);
                match response.text().await {
                    Ok(text) if status.is_success() => return Ok(text),
                    Ok(text) => reason = format!("{status}: {text}"),
                    Err(error) => reason = error.to_string(),
                }
                // These say that the server, or a proxy in front of it, is away for a moment.
                if !status.is_success() && ![502, 503, 504].contains(&status.as_u16()) {
                    break;
                }
            }
            // Nobody knows whether the event was published. With the same key it may be sent again.
            Err(error) => reason = error.to_string(),
        }
        if attempt + 1 < ATTEMPTS {
            tokio::time::sleep(wait).await;
        }
    }
    Err(reason)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (url, data, event) = match arguments.as_slice() {
        [url, data] => (url, data, None),
        [url, data, event] => (url, data, Some(event.as_str())),
        _ => {
            eprintln!("usage: publish URL DATA [TYPE]");
            return ExitCode::FAILURE;
        }
    };
    let key = env::var("FANFARE_PUBLISH_KEY").ok();
    match publish(url, data, event, key.as_deref()).await {
        Ok(answer) => println!("{answer}"),
        Err(reason) => {
            eprintln!("{reason}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
