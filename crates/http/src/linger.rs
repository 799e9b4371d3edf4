//! Closing a connection whose client may still be sending: what was refused is read on for a while. Closed at once, the kernel
//! would answer what comes with a reset, and that may destroy the answer before the client has read it.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{sleep, sleep_until},
};

use crate::{app::App, wire::Wire};

/// How much of a refused body is read and thrown away as fast as it comes: more than most clients have left to send.
pub(crate) const LINGER_BYTES_MAX: usize = 8 << 20;
/// For how long what comes is read and thrown away: enough to read an answer that has been sent.
pub(crate) const LINGER_TIME_MAX: Duration = Duration::from_secs(2);

/// What a closing connection reads at a time, and then it sleeps: a client that never stops sending costs little.
const PIECE_BYTES: usize = 16 << 10;
const PIECE_PAUSE: Duration = Duration::from_millis(1);

/// Ends our side, and reads on until the client has ended its own, or the time is over.
pub(crate) async fn linger(app: &App, wire: &mut Wire, until: Instant) {
    tokio::select! {
        () = time_is_over(app, until) => {}
        () = read_on(wire) => {}
    }
}

/// A drain does not wait for it either.
pub(crate) async fn time_is_over(app: &App, until: Instant) {
    let drain_is_over = async {
        app.draining.stopped().await;
        sleep_until(app.drain_ends().unwrap_or(until).into()).await;
    };
    tokio::select! {
        () = sleep_until(until.into()) => {}
        () = drain_is_over => {}
    }
}

async fn read_on(wire: &mut Wire) {
    if wire.shutdown().await.is_err() {
        return;
    }
    let mut space = vec![0; PIECE_BYTES];
    while wire.read(&mut space).await.is_ok_and(|bytes| bytes > 0) {
        sleep(PIECE_PAUSE).await;
    }
}
