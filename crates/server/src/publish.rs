//! `fanfare publish`: sends one event, or a batch line by line, and prints the server's answer.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read, Write as _, stderr, stdin, stdout},
    path::Path,
};

use ureq::{
    Agent, Body, RequestBuilder, SendBody,
    http::{HeaderValue, Response, header},
    typestate::WithBody,
};

use crate::{args::Publish, client, failure::Failure, url::Url};

/// What a server takes in at once by default; no single event is larger.
const DATA_BYTES_MAX: u64 = 64 << 20;
/// Above this the server is asked whether it wants the body, so that one that does not can say so.
const ASK_FIRST_BYTES: usize = 1 << 20;
const CONTINUE: &str = "100-continue";
const IDEMPOTENCY_KEY: &str = "idempotency-key";
const NDJSON: &str = "application/x-ndjson";
const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";
/// Types that a page can put into `img.src`, by the end of the file's name.
const IMAGES: [(&str, &str); 7] = [
    ("avif", "image/avif"),
    ("gif", "image/gif"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("webp", "image/webp"),
];

/// Publishes and prints the answer.
pub(crate) fn run(args: &Publish) -> Result<(), Failure> {
    let url = args.url();
    let agent = client::agent(&url, 0)?;
    let sent = if args.ndjson { send_batch(&agent, &url, args)? } else { send_event(&agent, &url, args)? };
    let mut response = sent.map_err(|error| Failure::failed(client::no_answer(&url, &error)))?;
    if !response.status().is_success() {
        return Err(Failure::failed(client::refusal(response)));
    }
    let answer = client::text(&mut response);
    // Whoever closes the output does not want the answer; the event is published all the same.
    let _ = writeln!(stdout(), "{}", answer.trim_end());
    match failed_lines(&answer) {
        0 => Ok(()),
        lines => Err(Failure::failed(format!("lines that were not published: {lines}"))),
    }
}

type Sent = Result<Response<Body>, ureq::Error>;

fn send_event(agent: &Agent, url: &Url, args: &Publish) -> Result<Sent, Failure> {
    let data = match (&args.data, args.file()) {
        (Some(data), _) => data.clone().into_encoded_bytes(),
        (None, file) => {
            let name = file.map_or_else(|| "standard input".to_owned(), |path| path.display().to_string());
            let mut data = Vec::new();
            let read = open(file)?.take(DATA_BYTES_MAX + 1).read_to_end(&mut data);
            read.map_err(|error| Failure::failed(format!("cannot read {name}: {error}")))?;
            data
        }
    };
    if data.len() as u64 > DATA_BYTES_MAX {
        return Err(Failure::failed("the data is larger than 64MiB; one event cannot carry that"));
    }
    let request = request(agent, url, args, default_type(args, &data))?;
    let request = match &args.idempotency_key {
        Some(key) => {
            // As bytes: it may be other text than ASCII.
            let value = HeaderValue::from_bytes(key.as_bytes());
            let value = value.map_err(|_| Failure::usage("--idempotency-key holds control characters"))?;
            request.header(IDEMPOTENCY_KEY, value)
        }
        None => request,
    };
    let request = if data.len() > ASK_FIRST_BYTES { request.header(header::EXPECT, CONTINUE) } else { request };
    Ok(request.send(&data))
}

/// The lines go out as they come in.
fn send_batch(agent: &Agent, url: &Url, args: &Publish) -> Result<Sent, Failure> {
    let mut lines = open(args.file())?;
    // A server that wants no batch says so before the first line is read, and not only when the last is sent.
    let request = request(agent, url, args, NDJSON)?.header(header::EXPECT, CONTINUE);
    Ok(request.send(SendBody::from_reader(&mut lines)))
}

fn request(agent: &Agent, url: &Url, args: &Publish, default_type: &str) -> Result<RequestBuilder<WithBody>, Failure> {
    let content_type = args.content_type.as_deref().unwrap_or(default_type);
    let request = agent.post(url.to_string()).header(header::CONTENT_TYPE, content_type);
    Ok(match args.key()? {
        Some(key) => request.header(header::AUTHORIZATION, format!("Bearer {key}")),
        None => request,
    })
}

fn default_type(args: &Publish, data: &[u8]) -> &'static str {
    let extension = args.file().and_then(Path::extension).map(|extension| extension.to_string_lossy().to_lowercase());
    let image = IMAGES.iter().find(|(end, _)| extension.as_deref() == Some(*end));
    match image {
        Some((_, kind)) => kind,
        None if std::str::from_utf8(data).is_ok() => TEXT,
        None => BYTES,
    }
}

/// The file, or standard input.
fn open(file: Option<&Path>) -> Result<Box<dyn Read>, Failure> {
    match file {
        Some(path) => {
            let opened = File::open(path).and_then(|file| {
                let is_directory = file.metadata()?.is_dir();
                if is_directory { Err(io::Error::from(io::ErrorKind::IsADirectory)) } else { Ok(file) }
            });
            let file = opened.map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
            Ok(Box::new(file))
        }
        None => {
            if stdin().is_terminal() {
                let _ = writeln!(stderr(), "reading what to publish from the terminal; Ctrl-D ends it");
            }
            Ok(Box::new(stdin()))
        }
    }
}

/// How many lines of a batch the answer says have failed.
fn failed_lines(answer: &str) -> u64 {
    let answer: Option<serde_json::Value> = serde_json::from_str(answer).ok();
    answer.and_then(|answer| answer.get("failed")?.as_u64()).unwrap_or(0)
}
