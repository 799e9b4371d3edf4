//! `fanfare serve`: binds, serves, drains.
//!
//! - `admin`: the listener for operators.
//! - `check`: whether a server could start, for `--check` as well. `descriptors`: the limit on them.
//! - `engine`: the engine with its journal. `server`: its service, to the end. `supervisor`: what systemd is told.

mod admin;
pub(crate) mod check;
pub(crate) mod descriptors;
mod engine;
mod server;
pub(crate) mod supervisor;

use std::{io, sync::Arc};

use tokio::sync::Notify;
use tracing::{error, info, warn};

use self::{
    admin::AdminSocket,
    engine::Engine,
    server::{End, Server},
};
use crate::{
    access::Who,
    failure::Failure,
    log::{self, Log},
    reload::{Engines, Reloader, Running},
    settings::{LogFormat, Settings},
    signals::{self, Shutdown},
    sockets::{self, Given},
    tls::Tls,
    traces,
    upgrade::{Asking, Start},
    watch::Watch,
};

/// Serves until a signal.
pub(crate) fn run(settings: &Settings, given: Given) -> Result<(), Failure> {
    let format = settings.serve.log_format();
    let log = log::init(settings.serve.log(), format);
    let predecessor = given.predecessor.clone();
    let served = serve(settings, given, &log);
    if let (Some(predecessor), Err(failure)) = (&predecessor, &served) {
        predecessor.tell_failure(&failure.reason);
    }
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
    let Given { plain, tls: secure, admin, predecessor } = given;
    unread.iter().for_each(|sentence| warn!("{sentence}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::of_system("cannot start", &error))?;
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
    config.traces = traces::sink().map_err(Failure::usage)?;
    descriptors::tell_limit(settings, descriptors);
    runtime.block_on(async {
        let cannot_start = |error: io::Error| Failure::of_system("cannot start", &error);
        let no_signals = |error: io::Error| Failure::of_system("cannot listen for signals", &error);
        signals::survive_habits().map_err(no_signals)?;
        // One that comes before the server serves waits until then.
        let hangups = signals::hangups().map_err(no_signals)?;
        let upgrades = signals::upgrades().map_err(no_signals)?;
        let certificates = tls.as_mut().map(Tls::watched).unwrap_or_default();
        let watch = Watch::start(certificates, who.watched()).map_err(cannot_start)?;
        let plain = listen.map(|listen| sockets::bind(listen, plain, "--listen")).transpose()?;
        let secure = listen_tls.map(|listen| sockets::bind(listen, secure, "--listen-tls")).transpose()?;
        config.https_port = secure.as_ref().and_then(|(_, address)| settings.https_port(address.port()));
        signals::survive_large_files().map_err(no_signals)?;
        let drain = Arc::<Notify>::default();
        let start = Start::of_this_process(settings.upgrade_timeout()).map_err(cannot_start)?;
        let mut server = Server {
            plain,
            secure,
            acceptor: tls.as_ref().map(Tls::acceptor),
            shards: settings.shards(),
            // A journal has one owner.
            asking: Asking::new(upgrades, start, settings.journal().is_some()),
            shutdown: Shutdown::listen(Arc::clone(&drain)).map_err(no_signals)?,
            admin: None,
        };
        let mut engine = Engine { settings: settings.clone(), config, predecessor };
        // New connections wait in the listener's queue meanwhile.
        let Some(mut fanfare) = engine.start(&mut server.shutdown).await? else { return Ok(()) };
        if let Some(tls) = tls {
            // The listeners are bound: the authority's questions wait in their queue.
            tls.keep().map_err(cannot_start)?;
        }
        who.keep().map_err(cannot_start)?;
        let engines = Engines::default();
        let running =
            Running { settings: all.clone(), filter: log.filter(), who, watch, engines: engines.clone(), descriptors };
        engines.set(fanfare.handle().operator());
        let reloader = Reloader::start(running).map_err(cannot_start)?;
        let plan = all.admin().map_err(Failure::usage)?;
        server.admin = AdminSocket::bind(plan, admin, reloader.clone(), drain)?;
        if let Some(hangups) = hangups {
            tokio::spawn(reloader.at_each(hangups));
        }
        while server.serve(fanfare).await? == End::Again {
            if let Some(config) = engines.config() {
                // The journal is read with what the history keeps now.
                engine.config.core.history = config.core.history;
            }
            match engine.start(&mut server.shutdown).await? {
                Some(again) => {
                    engines.set(again.handle().operator());
                    fanfare = again;
                }
                None => break,
            }
        }
        Ok(())
    })
}
