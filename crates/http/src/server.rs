//! [`run`]: the server from its first connection to the end of its drain.
//!
//! It is handed a bound listener and a future that means stop. One thread accepts; one thread a shard serves.

use std::{
    convert::Infallible,
    io,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};

use fanfare_core::Hub;
use socket2::{Domain, SockRef, Socket, TcpKeepalive, Type};
use tokio::{sync::mpsc, time::sleep};
use tracing::{debug, info, warn};

use crate::{
    app::App,
    clock,
    config::Config,
    driver::{Accepted, Driver},
    tcp::{Place, Tcp},
};

/// Sockets that were accepted and that their shard has not taken yet.
const ACCEPTED_MAX: usize = 1_024;
/// How long accepting pauses when there are no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// When the kernel starts to ask a silent peer whether it is there, how often, and how many times.
const KEEPALIVE_TIME: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 3;

/// The kernel keeps it in an `int`.
const USER_TIMEOUT_MS_MAX: u64 = i32::MAX as u64;
/// Connections that the kernel may hold for us until they are accepted.
const BACKLOG: i32 = 4_096;

/// Binds `address`. A port that is taken is an error: no other server shares it.
///
/// # Errors
/// The system's reason.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Only lets a new server have the port while old connections of it are in TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Connections that had not taken everything they were due when the time was over.
    pub cut: usize,
}

/// Serves on `listener` until `shutdown` is ready, then drains. Needs a tokio runtime with I/O and time.
///
/// # Errors
/// The listener cannot be used, or threads or descriptors run out at the start.
pub async fn run(listener: TcpListener, config: Config, shutdown: impl Future<Output = ()>) -> io::Result<Ended> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let (hub, shards) = Hub::<Tcp>::new(config.core.clone(), Box::new(unix_ms));
    let app = Arc::new(App::new(hub, config));

    let mut lanes = Vec::with_capacity(shards.len());
    let (ended, mut ends) = mpsc::channel(shards.len());
    for (number, shard) in shards.into_iter().enumerate() {
        let (sender, accepted) = mpsc::channel(ACCEPTED_MAX);
        lanes.push(Lane { sender, places: Arc::default() });
        let (driver, runtime) = (Driver { app: Arc::clone(&app), shard, number, accepted }, Driver::runtime()?);
        let ended = ended.clone();
        let run = move || {
            let result = driver.run(&runtime);
            // Sockets that are still open close here, before the server says that it has ended.
            drop(runtime);
            let _ = ended.blocking_send(result);
        };
        thread::Builder::new().name(format!("shard-{number}")).spawn(run)?;
    }
    drop(ended);

    let ticking = clock::tick(Arc::clone(&app));
    tokio::select! {
        never = accept(&app, &listener, &lanes) => match never {},
        never = ticking => match never {},
        // Nothing ends a shard before the drain but a panic, and then its clients wait for nothing.
        _ = ends.recv() => return Err(io::Error::other("a shard has failed")),
        () = shutdown => {}
    }
    info!(connections = app.hub.registry().connections(), "draining");
    app.drain();
    drop(listener);
    let threads = lanes.len();
    drop(lanes);
    let mut cut = 0;
    // The threads end by themselves within the drain timeout.
    for _ in 0..threads {
        match ends.recv().await {
            Some(Ok(cut_there)) => cut += cut_there,
            Some(Err(_)) | None => return Err(io::Error::other("a shard has failed")),
        }
    }
    info!(cut, "drained");
    Ok(Ended { cut })
}

/// The way to one shard, and how many connections it has.
struct Lane {
    sender: mpsc::Sender<Accepted>,
    places: Arc<AtomicUsize>,
}

/// Accepts for ever; each connection goes to the shard that has the fewest.
async fn accept(app: &Arc<App>, listener: &tokio::net::TcpListener, lanes: &[Lane]) -> Infallible {
    loop {
        let accepted = match listener.accept().await {
            Ok((stream, address)) => match prepare(app, stream) {
                Ok(stream) => Ok((stream, address)),
                Err(error) => {
                    debug!(%error, peer = %address, "gone before it was served");
                    continue;
                }
            },
            Err(error) => Err(error),
        };
        match accepted {
            Ok((stream, address)) => {
                let Some(lane) = lanes.iter().min_by_key(|lane| lane.places.load(Ordering::Relaxed)) else { continue };
                // An error means that the shard's thread is gone: it has panicked, and the drain will count it.
                let _ = lane.sender.send((stream, address, Place::take(&lane.places))).await;
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                warn!(%error, "cannot accept connections for now; open streams go on");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether accepting failed for a connection that went away, and not for us.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, InvalidInput, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | InvalidInput | NotConnected)
}

/// Sets the socket's options and lets go of this thread's reactor.
fn prepare(app: &App, stream: tokio::net::TcpStream) -> io::Result<std::net::TcpStream> {
    let stream = stream.into_std()?;
    let socket = SockRef::from(&stream);
    socket.set_tcp_nodelay(true)?;
    socket.set_send_buffer_size(app.config.send_buffer_bytes)?;
    let keepalive =
        TcpKeepalive::new().with_time(KEEPALIVE_TIME).with_interval(KEEPALIVE_INTERVAL).with_retries(KEEPALIVE_RETRIES);
    socket.set_tcp_keepalive(&keepalive)?;
    // A peer that vanished without a word while bytes are under way.
    let timeout_ms = app.config.core.write_timeout_ms.min(USER_TIMEOUT_MS_MAX);
    socket.set_tcp_user_timeout(Some(Duration::from_millis(timeout_ms)))?;
    Ok(stream)
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
