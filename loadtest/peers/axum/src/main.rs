//! The SSE broker that one writes with axum: a broadcast channel of 1,024 events, on one thread.
//! GET / subscribes, POST / publishes to all. Run: `cargo run --release -- 8081` in this directory.

use std::convert::Infallible;

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::sse::{Event, Sse},
    routing::get,
    serve::ListenerExt,
};
use tokio::{net::TcpListener, sync::broadcast};
use tokio_stream::{Stream, StreamExt, wrappers::BroadcastStream};

type Hub = broadcast::Sender<String>;

async fn subscribe(State(hub): State<Hub>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    // A subscriber that lags by more than the channel holds loses events, and nothing says so.
    let events = BroadcastStream::new(hub.subscribe()).filter_map(Result::ok);
    Sse::new(events.map(|data| Ok(Event::default().id("1767225600000-0").data(data))))
}

async fn publish(State(hub): State<Hub>, data: String) -> StatusCode {
    // Without listeners this fails, which is no error here.
    let _ = hub.send(data);
    StatusCode::ACCEPTED
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(0);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let app = Router::new().route("/", get(subscribe).post(publish)).with_state(broadcast::channel(1024).0);
    axum::serve(listener.tap_io(|stream| drop(stream.set_nodelay(true))), app).await
}
