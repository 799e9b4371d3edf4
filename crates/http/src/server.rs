//! [`run`]: the server from its first connection to the end of its drain.
//!
//! The server is handed a bound listener and a future that means stop. One thread accepts, and one thread for each shard serves.

use std::{
    convert::Infallible,
    future::pending,
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use fanfare_callers::{Account, Caller, Holding, Seat};
use fanfare_core::engine::{Milestone, Reached};
use socket2::{Domain, SockRef, Socket, TcpKeepalive, Type};
use tokio::{net::TcpStream, time::sleep};
use tracing::{debug, info, warn};

use crate::{
    app::App,
    clock,
    config::Config,
    connection::lane::{Accepted, Lane},
    fanfare::{Ended, Fanfare},
    limits::{log::Sampler, rule::Rule},
    link::Link,
    tls::acceptor::TlsAcceptor,
};

/// Pause of accepting when there are no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Idle connections that make room then.
const IDLE_CLOSED: usize = 32;
/// Silence after which the kernel asks a peer whether it is there, the time between two questions, and their number.
const KEEPALIVE_TIME: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 3;

/// Largest timeout that the kernel takes: it keeps it in an `int`.
#[cfg(target_os = "linux")]
const USER_TIMEOUT_MS_MAX: u64 = i32::MAX as u64;
/// Connections that the kernel may hold for us until they are accepted.
const BACKLOG: i32 = 4_096;

/// Binds `address`. A port that is taken is an error: no other server shares it.
///
/// # Errors
/// The system's reason.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let listener = fanfare_http::bind(([127, 0, 0, 1], 0).into())?;
/// assert!(fanfare_http::bind(listener.local_addr()?).is_err());
/// # Ok(())
/// # }
/// ```
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Only lets a new server have the port while old connections of it are in TIME_WAIT. On Windows the same option would let
    // a second server take a port that is in use.
    #[cfg(not(windows))]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The listeners of a server. Each may be absent.
#[derive(Debug, Default)]
pub struct Listeners {
    /// Speaks HTTP without TLS.
    pub plain: Option<TcpListener>,
    /// Speaks HTTP over TLS.
    pub tls: Option<(TcpListener, TlsAcceptor)>,
}

/// Serves on `listener` until `shutdown` is ready, then drains, with the history in memory. Needs a tokio runtime with
/// I/O and time.
///
/// # Errors
/// The listener cannot be used, threads or descriptors run out at the start, or a shard has panicked.
///
/// ```
/// use fanfare_http::{Config, bind, run};
/// use tokio::{
///     io::{AsyncReadExt as _, AsyncWriteExt as _},
///     net::TcpStream,
///     sync::oneshot,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = bind(([127, 0, 0, 1], 0).into())?;
/// let address = listener.local_addr()?;
/// let (stop, stopped) = oneshot::channel::<()>();
/// let serving = tokio::spawn(run(listener, Config::default(), async { stopped.await.unwrap_or_default() }));
///
/// let mut client = TcpStream::connect(address).await?;
/// client.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
/// let mut answer = String::new();
/// client.read_to_string(&mut answer).await?;
/// assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("ready\n"));
///
/// drop(stop);
/// assert_eq!(serving.await??.cut, 0);
/// # Ok(())
/// # }
/// ```
pub async fn run(listener: TcpListener, config: Config, shutdown: impl Future<Output = ()>) -> io::Result<Ended> {
    Fanfare::start(config)?.serve(listener, shutdown).await
}

/// How a server stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Everything is served for [`Config::drain_delay`] longer, while `/readyz` says that the server drains. Then it drains.
    Drain,
    /// Another process accepts on the same sockets. Nothing more is accepted here, and `/readyz` says nothing of it. What was accepted
    /// is served as ever for `grace`. Then the server drains.
    HandOver {
        /// The time for requests of connections that were accepted before.
        grace: Duration,
    },
}

impl Fanfare {
    /// Serves on `listener` until `shutdown` is ready, for [`Config::drain_delay`] longer, and then drains. Needs a tokio runtime
    /// with I/O and time.
    ///
    /// # Errors
    /// The listener cannot be used, or a part has failed or did not end in time.
    ///
    /// ```
    /// # use fanfare_http::{Config, Event, Fanfare, Target, Wait, bind};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let fanfare = Fanfare::start(Config::default())?;
    /// let handle = fanfare.handle();
    /// let listener = bind(([127, 0, 0, 1], 0).into())?;
    /// // The program is done when it has published.
    /// let publish = async { assert!(handle.publish(Event::new(Target::All, "hello"), Wait::Journal).await.is_ok()) };
    /// assert_eq!(fanfare.serve(listener, publish).await?.cut, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> io::Result<Ended> {
        self.serve_on(Listeners { plain: Some(listener), tls: None }, shutdown).await
    }

    /// Serves on all of `listeners` as [`Fanfare::serve`] does on one.
    ///
    /// # Errors
    /// As of [`Fanfare::serve`].
    pub async fn serve_on(self, listeners: Listeners, shutdown: impl Future<Output = ()>) -> io::Result<Ended> {
        let stop = async {
            shutdown.await;
            Stop::Drain
        };
        self.serve_until(listeners, stop).await
    }

    /// Serves on all of `listeners` until `stop` is ready and says how to stop.
    ///
    /// # Errors
    /// As of [`Fanfare::serve`].
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use fanfare_http::{Config, Fanfare, Listeners, Stop, bind};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let fanfare = Fanfare::start(Config::default())?;
    /// let listeners = Listeners { plain: Some(bind(([127, 0, 0, 1], 0).into())?), tls: None };
    /// // Another process has the same socket, and is ready.
    /// let stop = async { Stop::HandOver { grace: Duration::from_millis(10) } };
    /// assert_eq!(fanfare.serve_until(listeners, stop).await?.cut, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn serve_until(self, listeners: Listeners, stop: impl Future<Output = Stop>) -> io::Result<Ended> {
        let Listeners { plain, tls } = listeners;
        let plain = plain.map(listening).transpose()?;
        let (secure, acceptor) = match tls {
            Some((listener, acceptor)) => (Some(listening(listener)?), Some(Arc::new(acceptor))),
            None => (None, None),
        };
        let app = Arc::clone(&self.app);
        let lanes = self.lanes().to_vec();
        let accepts_no_more = Milestone::default();
        let leaving = async {
            match stop.await {
                Stop::Drain => {
                    app.phases.leave();
                    let delay = app.config().drain_delay;
                    if !delay.is_zero() {
                        info!("serving for {delay:?} more, while /readyz says that it drains");
                        sleep(delay).await;
                    }
                }
                Stop::HandOver { grace } => {
                    accepts_no_more.reach(1);
                    sleep(grace).await;
                }
            }
        };
        tokio::select! {
            never = accept(&app, plain.as_ref(), None, &lanes, accepts_no_more.wait(1)) => match never {},
            never = accept(&app, secure.as_ref(), acceptor.as_ref(), &lanes, accepts_no_more.wait(1)) => match never {},
            never = watch(acceptor.as_ref()) => match never {},
            never = clock::tick(Arc::clone(&app)) => match never {},
            error = self.failed() => return Err(error),
            () = leaving => {}
        }
        drop((plain, secure, lanes));
        self.drain().await
    }
}

fn listening(listener: TcpListener) -> io::Result<tokio::net::TcpListener> {
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}

/// Logs what is wrong with the certificates.
async fn watch(tls: Option<&Arc<TlsAcceptor>>) -> Infallible {
    match tls {
        Some(tls) => tls.certificates().watch().await,
        None => pending().await,
    }
}

/// Accepts until it is told not to, or never if there is no listener. Each connection goes to the shard that has the fewest. One
/// that was accepted is never left half way.
async fn accept(
    app: &App,
    listener: Option<&tokio::net::TcpListener>,
    tls: Option<&Arc<TlsAcceptor>>,
    lanes: &[Lane],
    mut no_more: Reached,
) -> Infallible {
    let Some(listener) = listener else { return pending().await };
    let (failures, refused) = (Sampler::default(), Sampler::default());
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut no_more => return pending().await,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => admit(app, stream, address, tls, lanes, &refused).await,
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if let Some(left_out) = failures.admit(app.now_ms()) {
                    let left_out = (left_out > 0).then_some(left_out);
                    warn!(%error, left_out, "cannot accept connections for now; open streams go on");
                }
                for _ in 0..IDLE_CLOSED {
                    if !app.idle.close_one() {
                        break;
                    }
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Sends a socket to the shard that has the fewest. If there is no room for the socket, it is reset: EventSource comes back then.
/// After a `503` it would never do so, nor, in Firefox, after an end without an answer.
async fn admit(
    app: &App,
    stream: TcpStream,
    address: SocketAddr,
    tls: Option<&Arc<TlsAcceptor>>,
    lanes: &[Lane],
    refused: &Sampler,
) {
    let Some((account, caller)) = count(app, address) else {
        // The newest goes, and nobody makes room for it.
        return reset(&stream);
    };
    let Some(seat) = app.sockets.enter(&app.idle).await else {
        if let Some(left_out) = refused.admit(app.now_ms()) {
            let left_out = (left_out > 0).then_some(left_out);
            warn!(
                sockets = app.sockets.max(),
                left_out, "no room for a connection: none of those that are open is idle"
            );
        }
        return reset(&stream);
    };
    match prepare(app, stream) {
        Ok(stream) => {
            if let Some((_, lane)) = Lane::emptiest(lanes) {
                let link = Arc::new(Link::new(account));
                let idle = app.idle.begin(&link.idler);
                let tls = tls.map(Arc::clone);
                let mut seat = lane.seat(seat);
                caller.into_iter().for_each(|caller| seat.count_for(caller));
                lane.send(Accepted { stream, address, seat, link, idle, tls }).await;
            }
        }
        Err(error) => debug!(%error, peer = %address, "gone before it was served"),
    }
}

/// Counts a socket for its caller. A trusted proxy speaks for many, so its sockets count for nobody. None: the caller has as many as it
/// may have.
fn count(app: &App, address: SocketAddr) -> Option<(Account<Caller>, Option<Seat<Caller>>)> {
    let account = app.account(address.ip());
    match account.enter(Holding::Socket) {
        Ok(seat) => Some((account, Some(seat))),
        Err(refused) => {
            let rule = Some(Rule::OverLimit(refused.limit));
            app.refused.log_unread(app.now_ms(), address, rule, &refused.to_string());
            None
        }
    }
}

/// Closes a socket without an answer. One that is gone by now needs no reset.
fn reset(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// Whether accepting failed for a connection that went away, and not for us.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, InvalidInput, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | InvalidInput | NotConnected)
}

/// Sets the socket's options and lets go of this thread's reactor.
fn prepare(app: &App, stream: TcpStream) -> io::Result<std::net::TcpStream> {
    let stream = stream.into_std()?;
    let socket = SockRef::from(&stream);
    socket.set_tcp_nodelay(true)?;
    let (one_max, all_max) = (app.config().send_buffer_bytes, app.config().send_buffers_bytes_max);
    socket.set_send_buffer_size(app.sockets.send_buffer_bytes(one_max, all_max))?;
    let keepalive =
        TcpKeepalive::new().with_time(KEEPALIVE_TIME).with_interval(KEEPALIVE_INTERVAL).with_retries(KEEPALIVE_RETRIES);
    socket.set_tcp_keepalive(&keepalive)?;
    // A peer that vanished without a word while bytes are under way. Other systems do not have the option; there the kernel
    // decides for how long it sends them again, which is minutes.
    #[cfg(target_os = "linux")]
    {
        let timeout_ms = app.config().core.write_timeout_ms.min(USER_TIMEOUT_MS_MAX);
        socket.set_tcp_user_timeout(Some(Duration::from_millis(timeout_ms)))?;
    }
    Ok(stream)
}
