//! The end of a connection whose client may still be sending: it is read for a while. If it were closed at once, the kernel would
//! answer what comes with a reset, and that may destroy the answer before the client has read it.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::{sleep, sleep_until},
};

use crate::ending::phase::Phases;

/// Bytes of a refused body that are read and thrown away as fast as they come: more than most clients have left to send.
pub(crate) const LINGER_BYTES_MAX: usize = 8 << 20;
/// Time for which bytes are read and thrown away: enough to read an answer that has been sent.
pub(crate) const LINGER_TIME_MAX: Duration = Duration::from_secs(2);

/// Bytes that a closing connection reads before it sleeps: a client that never stops sending costs little.
const PIECE_BYTES: usize = 16 << 10;
const PIECE_PAUSE: Duration = Duration::from_millis(1);

/// Ends our side, and reads on until the client has ended its own, or the time is over.
pub(crate) async fn linger(phases: &Phases, socket: &mut (impl AsyncRead + AsyncWrite + Unpin), until: Instant) {
    tokio::select! {
        () = time_is_over(phases, until) => {}
        () = read_on(socket) => {}
    }
}

/// Waits for `until`, or for the end of a drain.
pub(crate) async fn time_is_over(phases: &Phases, until: Instant) {
    let drain_is_over = async {
        phases.draining().await;
        sleep_until(phases.ends().unwrap_or(until).into()).await;
    };
    tokio::select! {
        () = sleep_until(until.into()) => {}
        () = drain_is_over => {}
    }
}

async fn read_on(socket: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    if socket.shutdown().await.is_err() {
        return;
    }
    let mut space = vec![0; PIECE_BYTES];
    while socket.read(&mut space).await.is_ok_and(|bytes| bytes > 0) {
        sleep(PIECE_PAUSE).await;
    }
}
