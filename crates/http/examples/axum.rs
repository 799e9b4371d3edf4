//! Fanfare inside an axum application: its routes below axum's own, events published by a handler, and events followed by a
//! task.
//!
//! `cargo run -p fanfare-http --example axum`, then `curl -N http://127.0.0.1:3001/channels/orders` and
//! `curl -d 'two of them' http://127.0.0.1:3001/orders/42`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to who runs it")]

use std::{error::Error, net::SocketAddr};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Path, Request, State},
    http::StatusCode,
    response::Response,
    routing::post,
};
use bytes::Buf as _;
use fanfare_http::{Channel, Config, Event, Fanfare, Follow, Handle, Target, Told, Wait};
use http_body_util::BodyExt as _;
use tokio::{net::TcpListener, spawn, sync::oneshot};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3001".to_owned());
    let listener = TcpListener::bind(address).await?;
    let fanfare = Fanfare::start(Config::default())?;
    let handle = fanfare.handle();
    println!("listening on http://{}", listener.local_addr()?);
    let printing = spawn(print(handle.clone()));

    let routes = Router::new().route("/orders/{id}", post(order)).fallback(fanfare_routes).with_state(handle);
    let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopping = async { stopped.await.unwrap_or_default() };
    let serving = spawn(async { axum::serve(listener, routes).with_graceful_shutdown(stopping).await });

    tokio::signal::ctrl_c().await?;
    // axum takes no more connections. Fanfare's drain ends the streams on those that are open, and axum waits for them.
    drop(stop);
    let ended = fanfare.drain().await?;
    serving.await??;
    printing.await?;
    println!("connections that had to be cut: {}", ended.cut);
    Ok(())
}

/// A route of the application. Those who follow the channel `orders` hear of it.
async fn order(
    State(handle): State<Handle>,
    Path(id): Path<String>,
    text: String,
) -> Result<String, (StatusCode, String)> {
    let failed = |error: &dyn Error| (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n"));
    let channel = Channel::new("orders").map_err(|error| failed(&error))?;
    let event = Event::new(Target::Channel(channel), format!("{id}: {text}"));
    let receipt = handle.publish(event, Wait::Journal).await.map_err(|error| failed(&error))?;
    Ok(format!("order {id} is event {}\n", receipt.id))
}

/// Every other route is Fanfare's. axum wants bodies of `Bytes`; small ones are not copied.
async fn fanfare_routes(
    State(handle): State<Handle>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let to_bytes = |mut data: fanfare_http::Chunk| data.copy_to_bytes(data.remaining());
    let response = handle.answer(request, address).await;
    response.map(|body| Body::new(body.map_frame(move |frame| frame.map_data(to_bytes))))
}

/// Follows a channel as a stream would, without HTTP.
async fn print(handle: Handle) {
    let Ok(channel) = Channel::new("orders") else { return };
    let mut events = match handle.subscribe(Follow::channels([channel])).await {
        Ok(events) => events,
        Err(error) => return eprintln!("cannot follow the orders: {error}"),
    };
    while let Some(told) = events.next().await {
        match told {
            Ok(Told::Event(message)) => println!("{}", message.fields().data),
            Ok(Told::Gaps(gaps)) => eprintln!("orders are missing: {gaps:?}"),
            Err(cut) => eprintln!("{cut}"),
        }
    }
}
