//! `fanfare serve`: binds, serves, drains. Also `--check`, which only prints the settings.

use std::{
    io::{self, ErrorKind, Write as _, stderr, stdout},
    net::{SocketAddr, TcpListener},
    pin::Pin,
    thread,
};

use fanfare_disk::DiskJournal;
use fanfare_http::{Config, Fanfare, Listeners};
use fanfare_redis::RedisJournal;
use tokio::sync::oneshot;
use tracing::{error, info, warn};

use crate::{
    access::Who,
    directory,
    failure::Failure,
    log,
    settings::{AccessPlan, IssuerPlan, LogFormat, Serve, Settings},
    signals,
    tls::Tls,
    watch::{Look, Reload, watch},
};

/// Prints the settings.
pub(crate) fn check(settings: &Settings) -> Result<(), Failure> {
    for sentence in &settings.unread {
        // Standard output is for the settings, which may be used as a file.
        let _ = writeln!(stderr(), "warning: {sentence}");
    }
    if let Some((path, _)) = settings.serve.journal() {
        directory::check(&path).map_err(|reason| Failure::usage(format!("--journal: {reason}")))?;
    }
    if let Some(sources) = settings.serve.tls() {
        Tls::check(sources).map_err(Failure::usage)?;
    }
    let plan = settings.serve.access().map_err(Failure::usage)?;
    for sentence in weak_secrets(&plan) {
        let _ = writeln!(stderr(), "warning: {sentence}");
    }
    Who::read(plan).map_err(Failure::usage)?;
    let report = settings.report(raise_descriptor_limit());
    // A reader that closes the output has seen enough.
    let _ = stdout().lock().write_all(report.as_bytes());
    Ok(())
}

/// A sentence for each secret that can be guessed.
fn weak_secrets(plan: &AccessPlan) -> impl Iterator<Item = String> {
    plan.issuers.iter().flat_map(IssuerPlan::weak_secrets)
}

/// Serves until a signal.
pub(crate) fn run(settings: &Settings) -> Result<(), Failure> {
    let format = settings.serve.log_format();
    let _flushed_at_exit = log::init(settings.serve.log(), format);
    let served = serve(settings);
    match format {
        LogFormat::Text => served,
        // A line of text would be no JSON.
        LogFormat::Json => served.map_err(|failure| {
            error!("{}", failure.reason);
            failure.told()
        }),
    }
}

fn serve(settings: &Settings) -> Result<(), Failure> {
    let Settings { serve: settings, listen, listen_tls, unread, .. } = settings;
    unread.iter().for_each(|sentence| warn!("{sentence}"));
    let failed = |what: &str, error: io::Error| Failure::failed(format!("{what}: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed("cannot start", error))?;
    let mut tls = settings.tls().map(Tls::read).transpose().map_err(Failure::usage)?;
    let plan = settings.access().map_err(Failure::usage)?;
    weak_secrets(&plan).for_each(|sentence| warn!("{sentence}"));
    let mut who = Who::read(plan).map_err(Failure::usage)?;
    if let Some(told) = who.told() {
        info!("who may do what: {told}");
    }
    info!("{}", settings.told_memory());
    let descriptors = raise_descriptor_limit();
    let mut config = settings.config(descriptors);
    config.gate = who.gate();
    tell_descriptor_limit(settings, descriptors);
    if u64::try_from(config.sockets_max).is_ok_and(|max| max >= descriptors) {
        warn!(sockets = config.sockets_max, descriptors, "more sockets allowed than the system lets open");
    }
    runtime.block_on(async {
        let certificates = tls.as_mut().map(Tls::watched).unwrap_or_default();
        let reload = watched(certificates, who.watched()).map_err(|error| failed("cannot start", error))?;
        signals::survive_habits(reload.as_ref()).map_err(|error| failed("cannot listen for signals", error))?;
        let plain = listen.map(|listen| bind(listen, "--listen")).transpose()?;
        let secure = listen_tls.map(|listen| bind(listen, "--listen-tls")).transpose()?;
        config.https_port = secure.as_ref().and_then(|(_, address)| settings.https_port(address.port()));
        signals::survive_large_files().map_err(|error| failed("cannot listen for signals", error))?;
        let shutdown = signals::shutdown().map_err(|error| failed("cannot listen for signals", error))?;
        let mut shutdown: Pin<Box<dyn Future<Output = ()>>> = Box::pin(shutdown);
        // New connections wait in the listener's queue meanwhile.
        let starting = start_beside(settings.clone(), config).map_err(|error| failed("cannot start", error))?;
        let fanfare = tokio::select! {
            biased;
            started = starting => started.unwrap_or_else(|_| Err(Failure::failed("cannot start: it has panicked")))?,
            // Nothing is acknowledged yet, and a start may be broken off at any moment.
            () = &mut shutdown => {
                info!("ended before it was ready to serve");
                return Ok(());
            }
        };
        let (version, shards) = (env!("CARGO_PKG_VERSION"), settings.shards());
        if let Some((_, address)) = &plain {
            info!(version, shards, "listening on http://{address}");
        }
        let acceptor = tls.as_ref().map(Tls::acceptor);
        if let Some((_, address)) = &secure {
            info!(version, shards, "listening on https://{address}");
        }
        let plain = plain.map(|(listener, _)| listener);
        let listeners = Listeners { plain, tls: secure.map(|(listener, _)| listener).zip(acceptor) };
        if let Some(tls) = tls {
            // The listeners are bound: the authority's questions wait in their queue.
            tls.keep().map_err(|error| failed("cannot start", error))?;
        }
        who.keep().map_err(|error| failed("cannot start", error))?;
        let ended = fanfare.serve_on(listeners, shutdown).await;
        let ended = ended.map_err(|error| failed("cannot serve", error))?;
        if ended.cut > 0 {
            return Err(Failure::failed(format!("connections that had to be cut: {}", ended.cut)));
        }
        Ok(())
    })
}

/// Watches files of certificates and of keys, if there are any.
fn watched(certificates: Vec<Box<dyn Look>>, keys: Vec<Box<dyn Look>>) -> io::Result<Option<Reload>> {
    let what = match (certificates.is_empty(), keys.is_empty()) {
        (_, true) => "certificates",
        (true, false) => "keys",
        (false, false) => "certificates and keys",
    };
    watch(certificates.into_iter().chain(keys).collect(), what)
}

/// Binds the address of the setting `flag`. Returns the address with its port as well.
fn bind(listen: SocketAddr, flag: &str) -> Result<(TcpListener, SocketAddr), Failure> {
    let bound = fanfare_http::bind(listen).and_then(|listener| {
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    bound.map_err(|error| Failure::failed(cannot_listen(listen, flag, &error)))
}

/// The reason why the address cannot be bound, and what to do.
fn cannot_listen(listen: SocketAddr, flag: &str, error: &io::Error) -> String {
    let cure = match error.kind() {
        ErrorKind::AddrInUse => format!("; end the program that listens there, or give another port with {flag}"),
        ErrorKind::PermissionDenied => format!("; give a port from 1024 with {flag}, which needs no right"),
        ErrorKind::AddrNotAvailable => {
            format!("; give an address of this machine with {flag}, or 0.0.0.0 for all of them")
        }
        _ => String::new(),
    };
    format!("cannot listen on {listen}: {error}{cure}")
}

/// Starts the engine on its own thread. Reading a large journal takes seconds, and signals must be heard meanwhile.
fn start_beside(settings: Serve, config: Config) -> io::Result<oneshot::Receiver<Result<Fanfare, Failure>>> {
    let (done, starting) = oneshot::channel();
    thread::Builder::new().name("start".to_owned()).spawn(move || {
        // If the receiver is gone, the process is about to end.
        let _ = done.send(start(&settings, config));
    })?;
    Ok(starting)
}

/// Makes the engine, with the events of its journal if there is one.
fn start(settings: &Serve, config: Config) -> Result<Fanfare, Failure> {
    let failed = |error: io::Error| Failure::failed(format!("cannot serve: {error}"));
    if let Some(redis) = settings.redis() {
        return Fanfare::start_behind(config, Box::new(RedisJournal::new(redis))).map_err(failed);
    }
    let Some((path, how)) = settings.journal() else { return Fanfare::start(config).map_err(failed) };
    let refused = |reason: String| Failure::failed(format!("--journal: {reason}"));
    directory::make_parents(&path).map_err(refused)?;
    let journal = DiskJournal::open(&path, how).map_err(|error| refused(directory::cured(&error)))?;
    let started = Fanfare::start_behind(config, Box::new(journal));
    started.map_err(|error| Failure::failed(format!("cannot serve with the journal in {}: {error}", path.display())))
}

/// A lower limit was probably set by a person, or forgotten.
const DESCRIPTORS_FEW: u64 = 1024;

fn tell_descriptor_limit(settings: &Serve, descriptors: u64) {
    if descriptors >= DESCRIPTORS_FEW {
        info!("the system allows {descriptors} open files");
        return;
    }
    let streams = settings.h1_streams_max(descriptors);
    warn!("the system allows {descriptors} open files: so only {streams} streams can be open; raise `ulimit -n`");
}

/// Raises the limit on descriptors as far as the system allows. Each stream needs one, and many shells allow only
/// 1,024.
fn raise_descriptor_limit() -> u64 {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => limit,
        Err(error) => {
            warn!(%error, "cannot raise the limit of open descriptors");
            rlimit::getrlimit(rlimit::Resource::NOFILE).map_or(0, |(soft, _)| soft)
        }
    }
}
