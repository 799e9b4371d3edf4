//! [`serve`]: the thread of the listener, and its sockets. [`Serving`]: a listener that is open.

use std::{
    io,
    net::{self, SocketAddr},
    rc::Rc,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use fanfare_http::Handle;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncWriteExt as _, copy, sink},
    net::{TcpListener, TcpStream},
    runtime::{self, Runtime},
    sync::{Semaphore, watch},
    task::{LocalSet, spawn_local},
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;
use tracing::{Instrument as _, debug, error, info_span, warn};

use crate::{
    answer::problem::Problem,
    config::Admin,
    console::Console,
    control::Control,
    operate::Operate,
    service::Service,
    sockets::{Place, Sockets},
    stream::pulse::Pulse,
};

/// After a pulse that broke off.
const PULSE_PAUSE: Duration = Duration::from_secs(1);
/// After a failed `accept`: most often there are no descriptors, and they come back as connections end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Sockets that find no room and are told so at a time, and the time that each has to take it. More of them are only closed.
const REFUSED_MAX: usize = 16;
const REFUSED_TIMEOUT: Duration = Duration::from_secs(1);
/// The time that requests in progress have once the listener ends.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// An open admin listener. It closes when this is dropped, or in good order with [`Serving::end`].
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    /// The address of the listener.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends streams, lets requests in progress end within a second, and waits for the thread.
    pub fn end(mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            warn!("admin: the thread of the listener has panicked");
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// Serves the admin listener on a thread of its own, with a runtime of its own.
///
/// `handle` and `operator` belong to the same server. `control` is called on that thread.
///
/// # Errors
/// The thread, its runtime or the listener cannot be set up. [`io::ErrorKind::InvalidInput`]: other machines reach the listener, and
/// there is no token.
pub fn serve<O: Operate, C: Control>(
    listener: net::TcpListener,
    admin: Admin,
    handle: Handle,
    operator: O,
    control: C,
) -> io::Result<Serving> {
    let address = listener.local_addr()?;
    if admin.token.is_none() && !address.ip().to_canonical().is_loopback() {
        let reason = format!("other machines reach {address}, so an admin token is needed");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    listener.set_nonblocking(true)?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _inside = runtime.enter();
        TcpListener::from_std(listener)?
    };
    let (stop, stopping) = watch::channel(false);
    let thread = thread::Builder::new().name("fanfare-admin".to_owned()).spawn(move || {
        let console = Console::new(admin, handle, operator, control, stopping);
        run(&runtime, listener, console);
    })?;
    Ok(Serving { address, stop, thread: Some(thread) })
}

fn run<O: Operate, C: Control>(runtime: &Runtime, listener: TcpListener, console: Rc<Console<O, C>>) {
    LocalSet::new().block_on(runtime, async {
        let pulse = Pulse::new();
        spawn_local(supervise(Rc::clone(&pulse), Rc::clone(&console)));
        let mut stopping = console.stopping();
        let sockets = Sockets::new(console.admin.limits);
        let service = Rc::new(Service { console, pulse });
        tokio::select! {
            biased;
            // The other end is dropped only after it has said so.
            _ = stopping.wait_for(|is| *is) => {}
            () = accept(&listener, &sockets, &service) => {}
        }
        drop(listener);
        // Whoever is not done by then is cut.
        let _ = timeout(END_TIMEOUT, sockets.all_closed()).await;
    });
}

/// Has the pulse go on whatever happens to it.
async fn supervise<O: Operate, C: Control>(pulse: Rc<Pulse>, console: Rc<Console<O, C>>) {
    loop {
        let ended = spawn_local(Rc::clone(&pulse).run(Rc::clone(&console))).await;
        let reason = ended.err().map(|error| error.to_string());
        error!(reason, "admin: the figures of the dashboards broke off, and begin again");
        sleep(PULSE_PAUSE).await;
    }
}

/// Takes sockets for ever.
async fn accept<O: Operate, C: Control>(listener: &TcpListener, sockets: &Sockets, service: &Rc<Service<O, C>>) {
    let refused = Arc::new(Semaphore::new(REFUSED_MAX));
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => match sockets.enter(peer.ip()) {
                Ok(place) => {
                    // Lines about what somebody has done say from where.
                    let span = info_span!("admin", %peer);
                    drop(spawn_local(drive(socket, Rc::clone(service), place).instrument(span)));
                }
                Err(problem) => refuse(socket, &problem, &refused),
            },
            Err(error) => {
                warn!(%error, "admin: a socket could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Carries one connection to its end.
async fn drive<O: Operate, C: Control>(socket: TcpStream, service: Rc<Service<O, C>>, _place: Place) {
    let limits = service.console.admin.limits;
    let mut stopping = service.console.stopping();
    // Parts of a stream leave as they come.
    if let Err(error) = socket.set_nodelay(true) {
        debug!(%error, "admin: a socket keeps its delay");
    }
    let mut socket = TimeoutStream::new(socket);
    socket.set_write_timeout(Some(limits.write_timeout));
    let answer = service_fn(|request: Request<Incoming>| {
        let service = Rc::clone(&service);
        async move { service.answer(request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(limits.head_bytes_max)
        .serve_connection(TokioIo::new(Box::pin(socket)), answer);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        _ = stopping.wait_for(|is| *is) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "admin: a connection broke off");
    }
}

/// Tells a socket that there is no room, and closes it.
fn refuse(mut socket: TcpStream, problem: &Problem, refused: &Arc<Semaphore>) {
    let Ok(place) = Arc::clone(refused).try_acquire_owned() else { return };
    let problem = problem.bytes();
    spawn_local(async move {
        let told = timeout(REFUSED_TIMEOUT, async {
            socket.write_all(&problem).await?;
            socket.shutdown().await?;
            // The request that is on its way would have the answer destroyed by a reset.
            copy(&mut socket, &mut sink()).await
        });
        let told = told.await;
        let is_told = matches!(told, Ok(Ok(_)));
        debug!(is_told, "admin: a socket found no room");
        drop(place);
    });
}
