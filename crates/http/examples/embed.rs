//! Fanfare inside a program of one's own: a hyper service with a route of its own, and all of Fanfare's besides.
//!
//! `cargo run -p fanfare-http --example embed`, then `curl -N http://127.0.0.1:3001/sse` and `curl -d 3 http://127.0.0.1:3001/dice`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to who runs it")]

use std::{convert::Infallible, error::Error, net::SocketAddr};

use fanfare_http::{Body, Channel, Config, Event, Fanfare, Handle, Target, Wait};
use http_body_util::{BodyExt as _, Limited};
use hyper::{Method, Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

const BODY_BYTES_MAX: usize = 64;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3001".to_owned());
    let listener = TcpListener::bind(address).await?;
    let fanfare = Fanfare::start(Config::default())?;
    println!("listening on http://{}", listener.local_addr()?);
    let handle = fanfare.handle();
    tokio::select! {
        result = accept(listener, handle) => result?,
        _ = tokio::signal::ctrl_c() => {}
    }
    let ended = fanfare.drain().await?;
    println!("connections that had to be cut: {}", ended.cut);
    Ok(())
}

async fn accept(listener: TcpListener, handle: Handle) -> Result<(), Box<dyn Error>> {
    loop {
        let (socket, address) = listener.accept().await?;
        let handle = handle.clone();
        let service = service_fn(move |request| answer(handle.clone(), request, address));
        let serving = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(socket), service);
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                eprintln!("{address}: {error}");
            }
        });
    }
}

async fn answer(handle: Handle, request: Request<Incoming>, address: SocketAddr) -> Result<Response<Body>, Infallible> {
    if request.method() == Method::POST && request.uri().path() == "/dice" {
        let text = roll(&handle, request).await.unwrap_or_else(|error| format!("{error}\n"));
        return Ok(Response::new(Body::full(text)));
    }
    Ok(handle.answer(request, address).await)
}

/// A route of the program's own: whoever follows the channel `dice` hears of it.
async fn roll(handle: &Handle, request: Request<Incoming>) -> Result<String, Box<dyn Error + Send + Sync>> {
    let body = Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await?.to_bytes();
    let eyes = std::str::from_utf8(&body)?.trim();
    let event = Event::new(Target::Channel(Channel::new("dice")?), format!("a {eyes}")).with_kind("roll")?;
    let receipt = handle.publish(event, Wait::Written).await?;
    Ok(format!("{} streams heard of {}\n", receipt.matched, receipt.id))
}
