//! The thread of one shard: a current-thread runtime that owns the shard, its sockets and the connections that
//! become them, so that a connection's whole life is on one core.

use std::{
    future::poll_fn,
    io,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use fanfare_core::engine::{Fanned, Inbox, Milestone, SWEEP_TICKS, Shard, Turn};
use tokio::{
    net::TcpStream,
    runtime::Builder,
    spawn,
    sync::{Semaphore, mpsc},
    task::{unconstrained, yield_now},
    time::{Interval, MissedTickBehavior, interval, sleep, timeout, timeout_at},
};
use tracing::{info, warn};

use crate::{
    app::App,
    connection::{
        http2::{Framed, carriers},
        lane::Accepted,
        notices::NoticeLog,
        proxied,
        secure::Unsecured,
        serve::serve,
    },
    link::{Carriage, Peer, carrier::Carrier, carriers::Carriers, socket::ClientSocket, transport::Transport},
    traces::under_way::time_of,
};

/// Time between two sweeps. Every slot is looked at once a second, or often enough for a short heartbeat.
const TICK_MS_MAX: u64 = 250;
const TICK_MS_MIN: u64 = 5;

/// Time between two looks for callers that can be forgotten.
const FORGETTING_PAUSE: Duration = Duration::from_secs(1);
/// Number of these after which the log says how many were refused.
const TELLING_SECONDS: u64 = 60;

/// Tasks of connections that may run before the shard's loop, the runtime's main future, has its turn again. tokio's
/// default is 61.
const TASKS_PER_TURN: u32 = 8;

/// While there is much to do, the shard's loop takes this many times as long as all connections had since its last turn:
/// thousands who come back at once must not hold up those who stayed.
const SHARE: u32 = 3;
const SLICE_MAX: Duration = Duration::from_millis(4);

/// The connections of a shard end once their milestone has reached this.
const STOP: u64 = 1;

/// Time in which connections notice that their streams were cut.
const CUT_TIME: Duration = Duration::from_millis(100);

/// The parts that it takes to run one shard.
pub(crate) struct Driver {
    pub(crate) app: Arc<App>,
    pub(crate) shard: Shard<ClientSocket>,
    pub(crate) number: usize,
    pub(crate) accepted: mpsc::Receiver<Accepted>,
}

impl Driver {
    /// Serves until the shard has drained, and returns how many connections were cut. Tells `made` first whether it can serve: it
    /// cannot if the system gives no more descriptors. Sockets that are still open at the end close before this returns.
    pub(crate) fn run(self, made: impl FnOnce(io::Result<()>)) -> io::Result<usize> {
        // Made on this thread: dropped by another one, because the thread could not be had, it would panic there.
        let runtime = Builder::new_current_thread().enable_io().enable_time().event_interval(TASKS_PER_TURN).build();
        match runtime {
            Ok(runtime) => {
                made(Ok(()));
                Ok(runtime.block_on(self.serve()))
            }
            Err(error) => {
                made(Err(error));
                Ok(0)
            }
        }
    }

    async fn serve(self) -> usize {
        let Self { app, shard, number, accepted } = self;
        let stop = Milestone::default();
        // Every connection holds a sender: when all are gone, so are the connections.
        let (alive, mut all_gone) = mpsc::channel::<()>(1);
        let carriers = Arc::new(carriers(&app, number));
        let entrance = Entrance {
            app: Arc::clone(&app),
            shard: number,
            stop: stop.clone(),
            carriers: Arc::clone(&carriers),
            handshakes: Arc::new(Semaphore::new(1)),
        };
        let mut accepting = spawn(accept(entrance, accepted, alive.clone()));
        if number == 0 {
            // It ends with the runtime.
            spawn(forget_callers(Arc::clone(&app)));
        }
        let mut driving = pin!(unconstrained(drive(&app, number, shard, &carriers)));
        let mut cut = tokio::select! {
            biased;
            cut = &mut driving => cut,
            // Nobody is left who could send any.
            _ = &mut accepting => driving.await,
        };
        accepting.abort();
        // The streams have ended. What is left are answers on their way, which may take the rest of the time.
        stop.reach(STOP);
        carriers.pulse.stop();
        let left = alive.downgrade();
        drop(alive);
        let ends = app.phases.ends().unwrap_or_else(Instant::now);
        // Counted from when this thread sees that the time is over: the thread may have stood still until then, as they have.
        if timeout_at(ends.into(), all_gone.recv()).await.is_err() && timeout(CUT_TIME, all_gone.recv()).await.is_err()
        {
            cut += left.strong_count();
        }
        cut
    }
}

/// All that a new connection of one thread needs.
struct Entrance {
    app: Arc<App>,
    shard: usize,
    stop: Milestone,
    carriers: Arc<Carriers<Carrier>>,
    /// One permit: the handshakes of the thread take steps in turn.
    handshakes: Arc<Semaphore>,
}

/// Takes sockets as they come, one at a time, so that many that come at once do not hold up the answer to a publisher.
async fn accept(entrance: Entrance, mut accepted: mpsc::Receiver<Accepted>, alive: mpsc::Sender<()>) {
    while let Some(accepted) = accepted.recv().await {
        entrance.spawn(accepted, alive.clone());
        yield_now().await;
    }
}

impl Entrance {
    /// Gives an accepted socket a task of its own on this thread, which keeps `alive` for as long.
    fn spawn(&self, accepted: Accepted, alive: mpsc::Sender<()>) {
        let Accepted { stream, address, mut seat, link, idle, tls } = accepted;
        let mut stream = match TcpStream::from_std(stream) {
            Ok(stream) => stream,
            Err(error) => return warn!(%error, "cannot serve a connection"),
        };
        let shard = u32::try_from(self.shard).unwrap_or(u32::MAX);
        let mut peer = Peer { address, shard, carriage: Carriage::Other, is_tls: tls.is_some(), link, named: None };
        let (app, carriers, mut stop) = (Arc::clone(&self.app), Arc::clone(&self.carriers), self.stop.wait(STOP));
        let turns = Arc::clone(&self.handshakes);
        spawn(async move {
            let names_client = app.config().proxies.names_client(address.ip());
            if names_client
                && Box::pin(proxied::enter(&app, &mut stream, &mut peer, &mut seat, &mut stop)).await.is_none()
            {
                return;
            }
            let transport = match tls {
                None => Transport::Plain(stream),
                Some(acceptor) => {
                    let unsecured = Unsecured { stream, acceptor, turns };
                    // Boxed and gone before the connection is served, so that the task does not keep the space of a handshake.
                    match Box::pin(unsecured.secured(&app, &peer, &mut stop)).await {
                        Some(transport) => transport,
                        None => return,
                    }
                }
            };
            if let Some(begun) = serve(Arc::clone(&app), transport, seat, peer, idle, &mut stop).await {
                spawn(Framed::new(app, carriers, begun, alive));
            }
        });
    }
}

/// Forgets callers and holders that have nothing any more, and tells once a minute how many were refused.
async fn forget_callers(app: Arc<App>) {
    let mut told = app.refused_by_rule();
    for seconds in 1_u64.. {
        sleep(FORGETTING_PAUSE).await;
        let now_ms = app.now_ms();
        app.callers.sweep(now_ms);
        app.holders.sweep(now_ms);
        if seconds.is_multiple_of(TELLING_SECONDS) {
            let counted = app.refused_by_rule();
            let new = counted.iter().zip(&told).filter(|((_, now), (_, before))| now > before);
            let new: Vec<_> = new.map(|((name, now), (_, before))| format!("{name} {}", now - before)).collect();
            if !new.is_empty() {
                info!("refused in the last minute: {}", new.join(", "));
            }
            told = counted;
        }
    }
}

/// The loop of a shard, until it has drained: turns while there is something to do, and a sweep every tick.
async fn drive(app: &Arc<App>, number: usize, mut shard: Shard<ClientSocket>, carriers: &Carriers<Carrier>) -> usize {
    let tick_ms = (app.config().core.heartbeat_ms / (2 * SWEEP_TICKS as u64)).clamp(TICK_MS_MIN, TICK_MS_MAX);
    let mut ticks = interval(Duration::from_millis(tick_ms));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let inbox = Arc::clone(shard.inbox());
    let mut log = NoticeLog::default();
    let (mut next_sweep_ms, mut is_put_off) = (0, false);
    let mut left = Instant::now();
    loop {
        let came = Instant::now();
        let slice = ((came - left) * SHARE).min(SLICE_MAX);
        let turn = loop {
            let now_ms = app.now_ms();
            // First: a turn may find that it need not wait for a connection that the sweep has closed.
            if now_ms >= next_sweep_ms {
                // This thread has stood still, so nobody could take anything, which is no reader's fault. A sweep is put off
                // once in a row, or a shard that is always late would never sweep.
                is_put_off = !is_put_off && next_sweep_ms > 0 && now_ms - next_sweep_ms > tick_ms;
                if is_put_off {
                    next_sweep_ms = now_ms + tick_ms;
                } else {
                    // On a grid, so that a tick which comes a moment early misses no sweep but the first.
                    next_sweep_ms = (next_sweep_ms + tick_ms).max(now_ms);
                    shard.sweep(now_ms);
                    carriers.pulse.beat(tick_ms, now_ms);
                }
            }
            let turn = shard.turn(now_ms);
            carriers.due.flush(shard.is_passing());
            measure(app, number, &mut shard);
            for request in shard.take_reads() {
                let app = Arc::clone(app);
                spawn(async move { app.hub.read(request) });
            }
            log.write(shard.take_notices(), now_ms);
            if turn != Turn::More || app.phases.is_draining() || came.elapsed() >= slice {
                break turn;
            }
        };
        if let Some(ends) = app.phases.ends() {
            if shard.is_drained() {
                return 0;
            }
            if Instant::now() >= ends {
                let now_ms = app.now_ms();
                let cut = shard.cut(now_ms);
                carriers.due.flush(false);
                log.write(shard.take_notices(), now_ms);
                return cut;
            }
        }
        left = Instant::now();
        match turn {
            Turn::More => yield_now().await,
            // Something came in this moment. The connections have their turn all the same.
            Turn::Idle if !inbox.is_empty() => yield_now().await,
            Turn::Idle => {
                wait(&inbox, &mut ticks, None).await;
                // The loop was asleep, and nobody kept it from its work.
                left = Instant::now();
            }
            Turn::Paused { until_ms } => {
                let left_ms = until_ms.saturating_sub(app.now_ms());
                wait(&inbox, &mut ticks, Some(Duration::from_millis(left_ms))).await;
                left = Instant::now();
            }
        }
    }
}

/// Notes how long the deliveries of a turn took, of publishes that came to this node.
fn measure(app: &App, number: usize, shard: &mut Shard<ClientSocket>) {
    let mut fanned = shard.take_fanned().peekable();
    if fanned.peek().is_none() {
        return;
    }
    let (now_us, times) = (app.now_us(), app.times.of(number));
    for Fanned { stamp, written, is_last } in fanned {
        let us = now_us.saturating_sub(time_of(stamp));
        if written > 0 {
            times.to_socket.note(us, written);
        }
        if is_last {
            times.fan_out.note(us, 1);
            app.traces.fan_out(stamp, now_us);
        }
    }
}

/// Waits until there is something to do, or until it is time for a sweep. A shard that is paused has something to do only when the
/// inbox says so, or when the pause is over.
async fn wait(inbox: &Inbox<ClientSocket>, ticks: &mut Interval, pause: Option<Duration>) {
    let mut pause = pause.map(|pause| Box::pin(sleep(pause)));
    // Register, then look: what comes between the two wakes us.
    poll_fn(|cx| {
        inbox.register(cx);
        let has_work = match &mut pause {
            Some(pause) => inbox.ends_pause() || pause.as_mut().poll(cx).is_ready(),
            None => !inbox.is_empty(),
        };
        if ticks.poll_tick(cx).is_ready() || has_work { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
