//! `fanfare serve`: binds, serves, drains.
//!
//! - `check`: whether a server could start, for `--check` as well. `descriptors`: the limit on them.
//! - `engine`: the engine with its journal. `supervisor`: what systemd is told.

pub(crate) mod check;
mod descriptors;
mod engine;
pub(crate) mod supervisor;

use std::{io, net::SocketAddr, pin::Pin};

use fanfare_http::Listeners;
use tracing::{error, info, warn};

use crate::{
    access::Who,
    failure::Failure,
    log::{self, Log},
    reload::{Reloader, Running},
    settings::{LogFormat, Settings},
    signals,
    sockets::{self, Given},
    tls::Tls,
    watch::Watch,
};

/// Serves until a signal.
pub(crate) fn run(settings: &Settings, given: Given) -> Result<(), Failure> {
    let format = settings.serve.log_format();
    let log = log::init(settings.serve.log(), format);
    let served = serve(settings, given, &log);
    match format {
        LogFormat::Text => served,
        // A line of text would be no JSON.
        LogFormat::Json => served.map_err(|failure| {
            error!("{}", failure.reason);
            failure.told()
        }),
    }
}

fn serve(all: &Settings, given: Given, log: &Log) -> Result<(), Failure> {
    let Settings { serve: settings, listen, listen_tls, unread, .. } = all;
    unread.iter().for_each(|sentence| warn!("{sentence}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed("cannot start", &error))?;
    let mut tls = settings.tls().map(Tls::read).transpose().map_err(Failure::usage)?;
    let plan = settings.access().map_err(Failure::usage)?;
    check::weak_secrets(&plan).for_each(|sentence| warn!("{sentence}"));
    let mut who = Who::read(plan).map_err(Failure::usage)?;
    if let Some(told) = who.told() {
        info!("who may do what: {told}");
    }
    info!("{}", settings.told_memory());
    let descriptors = descriptors::raise_limit();
    let mut config = settings.config(descriptors);
    config.gate = who.gate();
    descriptors::tell_limit(settings, descriptors);
    runtime.block_on(async {
        let no_signals = |error: io::Error| failed("cannot listen for signals", &error);
        signals::survive_habits().map_err(no_signals)?;
        // One that comes before the server serves waits until then.
        let hangups = signals::hangups().map_err(no_signals)?;
        let certificates = tls.as_mut().map(Tls::watched).unwrap_or_default();
        let watch = Watch::start(certificates, who.watched()).map_err(|error| failed("cannot start", &error))?;
        let plain = listen.map(|listen| sockets::bind(listen, given.plain, "--listen")).transpose()?;
        let secure = listen_tls.map(|listen| sockets::bind(listen, given.tls, "--listen-tls")).transpose()?;
        config.https_port = secure.as_ref().and_then(|(_, address)| settings.https_port(address.port()));
        signals::survive_large_files().map_err(no_signals)?;
        let mut shutdown: Pin<Box<dyn Future<Output = ()>>> = Box::pin(signals::shutdown().map_err(no_signals)?);
        // New connections wait in the listener's queue meanwhile.
        let starting =
            engine::start_beside(settings.clone(), config).map_err(|error| failed("cannot start", &error))?;
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
        let status = serving(plain.as_ref().map(|(_, address)| *address), secure.as_ref().map(|(_, address)| *address));
        let plain = plain.map(|(listener, _)| listener);
        let listeners = Listeners { plain, tls: secure.map(|(listener, _)| listener).zip(acceptor) };
        if let Some(tls) = tls {
            // The listeners are bound: the authority's questions wait in their queue.
            tls.keep().map_err(|error| failed("cannot start", &error))?;
        }
        who.keep().map_err(|error| failed("cannot start", &error))?;
        let running = Running { settings: all.clone(), filter: log.filter(), who, watch, descriptors };
        let reloader = Reloader::start(running).map_err(|error| failed("cannot start", &error))?;
        if let Some(hangups) = hangups {
            tokio::spawn(reloader.at_each(hangups));
        }
        let handle = fanfare.handle();
        tokio::spawn(supervisor::keep_alive(move || handle.failure().is_none()));
        supervisor::tell_ready(&status);
        let leaving = async {
            shutdown.await;
            supervisor::tell_stopping();
        };
        let ended = fanfare.serve_on(listeners, leaving).await.map_err(|error| failed("cannot serve", &error))?;
        if ended.cut > 0 {
            return Err(Failure::failed(format!("connections that had to be cut: {}", ended.cut)));
        }
        Ok(())
    })
}

/// Where it serves, in a sentence.
fn serving(plain: Option<SocketAddr>, secure: Option<SocketAddr>) -> String {
    let plain = plain.map(|address| format!("http://{address}"));
    let secure = secure.map(|address| format!("https://{address}"));
    format!("serving on {}", plain.into_iter().chain(secure).collect::<Vec<_>>().join(" and "))
}

fn failed(what: &str, error: &io::Error) -> Failure {
    Failure::failed(format!("{what}: {error}"))
}
