//! The thread of one shard: a current-thread runtime that owns the shard, its sockets and the connections that
//! become them, so that a connection's whole life is on one core.

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use fanfare_core::{SWEEP_TICKS, Shard, Turn};
use tokio::{
    net::TcpStream,
    runtime::{Builder, Runtime},
    sync::mpsc,
    task::{unconstrained, yield_now},
    time::{MissedTickBehavior, interval, timeout_at},
};
use tracing::warn;

use crate::{
    app::App,
    connection::{self, Stop},
    log::NoticeLog,
    service::Peer,
    tcp::{Place, Tcp},
};

/// Every slot is looked at once a second, or often enough for a short heartbeat.
const TICK_MS_MAX: u64 = 250;
const TICK_MS_MIN: u64 = 5;
/// How long a drained shard waits for connections that it does not own to end: the rest of a request.
const STOP_TIME: Duration = Duration::from_millis(500);

/// An accepted socket on its way to its shard.
pub(crate) type Accepted = (std::net::TcpStream, SocketAddr, Place);

/// What it takes to run one shard.
pub(crate) struct Driver {
    pub(crate) app: Arc<App>,
    pub(crate) shard: Shard<Tcp>,
    pub(crate) number: usize,
    pub(crate) accepted: mpsc::Receiver<Accepted>,
}

impl Driver {
    /// The runtime to call [`Driver::run`] with; made before the thread, so that failing is the server's error.
    ///
    /// # Errors
    /// The system gives no more descriptors.
    pub(crate) fn runtime() -> io::Result<Runtime> {
        Builder::new_current_thread().enable_io().enable_time().build()
    }

    /// Serves until the acceptor is gone and the shard has drained; returns how many connections were cut.
    pub(crate) fn run(self, runtime: &Runtime) -> usize {
        runtime.block_on(self.serve())
    }

    async fn serve(self) -> usize {
        let Self { app, shard, number, mut accepted } = self;
        let stop = Arc::new(Stop::default());
        // Every connection holds a sender: when all are gone, so are the connections.
        let (alive, mut all_gone) = mpsc::channel::<()>(1);
        let shard = tokio::spawn(unconstrained(drive(Arc::clone(&app), shard)));
        while let Some((stream, address, place)) = accepted.recv().await {
            match TcpStream::from_std(stream) {
                Ok(stream) => {
                    let peer = Peer { address, shard: number, handoff: None };
                    let served = connection::serve(Arc::clone(&app), stream, place, peer, Arc::clone(&stop));
                    let alive = alive.clone();
                    tokio::spawn(async move {
                        served.await;
                        drop(alive);
                    });
                }
                Err(error) => warn!(%error, "cannot serve a connection"),
            }
        }
        drop(alive);
        let mut cut = shard.await.unwrap_or(1);
        stop.set();
        let deadline = tokio::time::Instant::now() + STOP_TIME;
        if timeout_at(deadline, all_gone.recv()).await.is_err() {
            warn!(shard = number, "requests were still under way and are cut");
            cut += 1;
        }
        cut
    }
}

/// The loop of a shard: turns while there is something to do, a sweep every tick; until it has drained.
async fn drive(app: Arc<App>, mut shard: Shard<Tcp>) -> usize {
    let tick_ms = (app.config.core.heartbeat_ms / (2 * SWEEP_TICKS as u64)).clamp(TICK_MS_MIN, TICK_MS_MAX);
    let mut ticks = interval(Duration::from_millis(tick_ms));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let inbox = Arc::clone(shard.inbox());
    let mut log = NoticeLog::default();
    let mut next_sweep_ms = 0;
    let mut cut_at = None;
    loop {
        let now_ms = app.now_ms();
        let turn = shard.turn(now_ms);
        if now_ms >= next_sweep_ms {
            next_sweep_ms = now_ms + tick_ms;
            shard.sweep(now_ms);
        }
        for request in shard.take_reads() {
            let app = Arc::clone(&app);
            tokio::spawn(async move { app.hub.read(&request) });
        }
        log.write(shard.take_notices(), now_ms);
        if app.is_draining() {
            let cut_at = *cut_at.get_or_insert_with(|| Instant::now() + app.config.drain_timeout);
            if shard.is_drained() {
                return 0;
            }
            if Instant::now() >= cut_at {
                let cut = shard.cut(now_ms);
                log.write(shard.take_notices(), now_ms);
                return cut;
            }
        }
        if turn == Turn::More {
            yield_now().await;
            continue;
        }
        // Register, then look: what comes between the two wakes us.
        poll_fn(|cx| {
            inbox.register(cx);
            let is_due = ticks.poll_tick(cx).is_ready();
            if is_due || !inbox.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
