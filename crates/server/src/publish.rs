//! `fanfare publish`: sends one event, or a batch line by line, and prints the server's answer.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read, Write as _, stderr, stdin, stdout},
    path::Path,
};

use bytes::Bytes;
use hyper::{
    HeaderMap, StatusCode,
    header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HeaderName, HeaderValue},
};

use crate::{
    args::Publish,
    batch::Batch,
    client::{self, Client, Error, Reply},
    failure::Failure,
    url::Url,
};

/// Largest data of one event. By default a server takes no more at once.
const DATA_BYTES_MAX: u64 = 64 << 20;
/// Size above which the client asks the server before it sends the body, so that the server can refuse first.
const ASK_FIRST_BYTES: usize = 1 << 20;
const CONTINUE: HeaderValue = HeaderValue::from_static("100-continue");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
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
    args.check()?;
    client::run(async {
        let (client, url) = (Client::new(&args.reach), args.url());
        if args.ndjson { publish_batch(&client, &url, args).await } else { publish_event(&client, &url, args).await }
    })
}

async fn publish_event(client: &Client, url: &Url, args: &Publish) -> Result<(), Failure> {
    let data = data(args)?;
    let mut headers = headers(args, default_type(args, &data))?;
    headers.insert(CONTENT_LENGTH, HeaderValue::from(data.len()));
    if let Some(key) = &args.idempotency_key {
        // As bytes, because the key may hold other characters than ASCII.
        let value = HeaderValue::from_bytes(key.as_bytes());
        headers
            .insert(IDEMPOTENCY_KEY, value.map_err(|_| Failure::usage("--idempotency-key holds control characters"))?);
    }
    if data.len() > ASK_FIRST_BYTES {
        headers.insert(EXPECT, CONTINUE);
    }
    let sent = client.post(url, headers, async move |mut to| {
        // If the body is not taken, the answer or its absence says why.
        let _ = to.send_data(Bytes::from(data)).await;
    });
    let reply = match sent.await {
        Ok(answer) => answer.read().await,
        Err(error) => return Err(Failure::failed(no_answer(url, &error, "whether the event was published"))),
    };
    if !reply.status.is_success() {
        return Err(Failure::failed(refusal(&reply, url, args)?));
    }
    print(&reply);
    Ok(())
}

/// Sends the lines as they come in.
async fn publish_batch(client: &Client, url: &Url, args: &Publish) -> Result<(), Failure> {
    let mut headers = headers(args, NDJSON)?;
    // A server that wants no batch refuses before the first line is sent.
    headers.insert(EXPECT, CONTINUE);
    let batch = Batch::read(open(args.file())?, args.keep_alive);
    let mut batch = batch.map_err(|error| Failure::failed(format!("cannot read the input: {error}")))?;
    let answer = match client.post(url, headers, async |to| batch.send(to).await).await {
        Ok(answer) => Ok(answer.read().await),
        Err(error) => Err(error),
    };
    let mut reply = answer.map_err(|error| {
        let what = format!("which of the lines were published (sent until then: {})", batch.lines_sent());
        Failure::failed(no_answer(url, &error, &what))
    })?;
    reply.text = batch.in_input(reply.text);
    let refusal = refusal(&reply, url, args)?;
    judge(&reply, refusal, &batch)
}

/// Fails if not all of the batch is published. Prints the server's counts in any case.
fn judge(reply: &Reply, refusal: String, batch: &Batch) -> Result<(), Failure> {
    let trouble = batch.trouble().map(|error| format!("cannot read the input to its end: {error}"));
    if !reply.status.is_success() {
        let reason = trouble.map(|trouble| format!("{trouble}; {refusal}")).unwrap_or(refusal);
        return Err(Failure::failed(reason));
    }
    print(reply);
    let failure = match (trouble, failed_lines(&reply.text)) {
        (Some(trouble), _) => trouble,
        _ if !reply.is_whole => "the answer broke off: how many of the lines were published is not known".to_owned(),
        (None, lines @ 1..) => format!("lines that were not published: {lines}"),
        _ if reply.is_early => "the server answered before the end of the input; the rest was not sent".to_owned(),
        _ => return Ok(()),
    };
    Err(Failure::failed(failure))
}

/// The reason of a refusal, and what to do about the key.
fn refusal(reply: &Reply, url: &Url, args: &Publish) -> Result<String, Failure> {
    let cure = match (reply.status, args.key()?) {
        (StatusCode::UNAUTHORIZED, None) => {
            "; give the key in FANFARE_PUBLISH_KEY or with --key, or a token in FANFARE_TOKEN or with --token"
        }
        (StatusCode::UNAUTHORIZED, Some(_)) => {
            "; the server does not take the key of --key (FANFARE_PUBLISH_KEY) or the token of --token (FANFARE_TOKEN)"
        }
        _ => "",
    };
    Ok(reply.refusal(url) + cure)
}

/// Prints the answer. A closed output is no error: the events are published anyway.
fn print(reply: &Reply) {
    let _ = writeln!(stdout(), "{}", reply.text.trim_end());
}

/// The reason why there is no answer, and `what` is unknown because of that.
fn no_answer(url: &Url, error: &Error, what: &str) -> String {
    let told = error.told(url);
    if error.may_have_been_heard() { format!("{told}; it is not known {what}") } else { told }
}

/// The data of the one event.
fn data(args: &Publish) -> Result<Vec<u8>, Failure> {
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
    Ok(data)
}

fn headers(args: &Publish, default_type: &str) -> Result<HeaderMap, Failure> {
    let content_type = args.content_type.as_deref().unwrap_or(default_type);
    let legal = |name: &str, text: &str| {
        HeaderValue::from_bytes(text.as_bytes()).map_err(|_| Failure::usage(format!("{name} holds control characters")))
    };
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, legal("--content-type", content_type)?)]);
    if let Some(key) = args.key()? {
        headers.insert(AUTHORIZATION, legal("--key", &format!("Bearer {key}"))?);
    }
    Ok(headers)
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
fn open(file: Option<&Path>) -> Result<Box<dyn Read + Send>, Failure> {
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

/// Number of lines of a batch that failed, by the answer.
fn failed_lines(answer: &str) -> u64 {
    let answer: Option<serde_json::Value> = serde_json::from_str(answer).ok();
    answer.and_then(|answer| answer.get("failed")?.as_u64()).unwrap_or(0)
}
