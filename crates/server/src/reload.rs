//! [`Reloader`]: reads the settings of a running server again, and applies those that can change.
//!
//! A reload is all or nothing. It checks what a start would check: the file, the settings together, and the files that they
//! name. Only then something changes. `report` says what has changed, and what needs a restart.

mod report;

use std::{
    io, mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use fanfare_http::{Config, Operator};
use tokio::{signal::unix::Signal, sync::oneshot};
use tracing::{Level, enabled, error, info, warn};

pub(crate) use self::report::Report;
use crate::{
    access::Who,
    log::LogFilter,
    serve::{check, descriptors, supervisor},
    settings::{Change, Part, Settings},
    watch::Watch,
};

/// What a reload may change.
pub(crate) struct Running {
    /// The settings in use.
    pub(crate) settings: Settings,
    pub(crate) filter: LogFilter,
    pub(crate) who: Who,
    pub(crate) watch: Watch,
    pub(crate) engines: Engines,
    /// The descriptors that this process may open.
    pub(crate) descriptors: u64,
}

/// The engine that serves. Another may follow it. All clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Engines(Arc<Mutex<Reached>>);

/// The engine, and what it was told after its start.
#[derive(Debug, Default)]
struct Reached {
    operator: Option<Operator>,
    config: Option<Config>,
}

impl Engines {
    /// From now on this engine serves. It is told what the one before it was told.
    pub(crate) fn set(&self, operator: Operator) {
        let mut reached = self.lock();
        if let Some(config) = &reached.config
            && let Err(error) = operator.set_config(config.clone())
        {
            error!("the settings of the last reload are not in use: {error}");
        }
        reached.operator = Some(operator);
    }

    /// The settings of the last reload, for an engine that is to start.
    pub(crate) fn config(&self) -> Option<Config> {
        self.lock().config.clone()
    }

    /// # Errors
    /// A sentence. Nothing has changed.
    fn set_config(&self, config: Config) -> Result<(), String> {
        let mut reached = self.lock();
        if let Some(operator) = &reached.operator {
            operator.set_config(config.clone()).map_err(|error| error.to_string())?;
        }
        reached.config = Some(config);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Reached> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has the settings read again. All clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Reloader(Sender<oneshot::Sender<Report>>);

impl Reloader {
    /// Reloads on a thread of its own from now on, one after the other, because a file system may be slow.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn start(mut running: Running) -> io::Result<Self> {
        let (asks, asked): (_, Receiver<oneshot::Sender<Report>>) = channel();
        thread::Builder::new().name("reload".to_owned()).spawn(move || {
            for done in asked {
                // Whoever has asked may be gone.
                let _ = done.send(running.reload());
            }
        })?;
        Ok(Self(asks))
    }

    /// Reads the settings again, and says what came of it. The log says it too.
    pub(crate) async fn reload(&self) -> Report {
        let (done, told) = oneshot::channel();
        if self.0.send(done).is_ok()
            && let Ok(report) = told.await
        {
            return report;
        }
        let reason = "the thread that reads them has panicked; restart";
        error!("the settings are not read again: {reason}");
        Report::refused(reason.to_owned())
    }

    /// Reloads at each SIGHUP, for ever. Those that come during a reload are one more.
    pub(crate) async fn at_each(self, mut hangups: Signal) {
        while hangups.recv().await.is_some() {
            info!("SIGHUP: settings and files are read again");
            self.reload().await;
        }
    }
}

impl Running {
    fn reload(&mut self) -> Report {
        supervisor::tell_reloading();
        let report = self.changed().unwrap_or_else(|fault| {
            error!("the settings stay as they are: {fault}");
            Report::refused(fault)
        });
        // Each of the files changes alone, as it does when nobody asks.
        self.watch.look();
        supervisor::tell_ready(&format!("reload: {report}"));
        report
    }

    /// Changes what can be changed.
    ///
    /// # Errors
    /// A sentence. Nothing has changed, unless the system gives no thread for the new rules.
    fn changed(&mut self) -> Result<Report, String> {
        let new = self.settings.again()?;
        check::files(&new.serve)?;
        // Somebody may have changed it meanwhile.
        let descriptors = descriptors::raise_limit();
        let before = mem::replace(&mut self.descriptors, descriptors);
        let changes = self.settings.changes(&new, before, descriptors);
        let merged = self.settings.changed_to(new)?;
        let plan = merged.serve.access()?;
        let weak: Vec<_> = check::weak_secrets(&plan).collect();
        // Also read if they stay as they are: a start would.
        let next = self.who.next(plan)?;
        let has = |part: Part| changes.iter().any(|change| change.part == part);
        let config = merged.serve.config(self.descriptors);
        let has_publish_key = config.publish_key.is_some();
        let mut config = Some(config);
        let mut configure = || match config.take().filter(|_| has(Part::Retention) || has(Part::Requests)) {
            // What it refuses, the settings have refused before.
            Some(config) => self.engines.set_config(config),
            None => Ok(()),
        };
        // A publish key comes before the rules go that were there without it, and goes behind those that come: nobody publishes
        // without either.
        if has_publish_key {
            configure()?;
        }
        if has(Part::Access) {
            self.watch.replace_keys(self.who.replace(next)?);
            weak.iter().for_each(|sentence| warn!("{sentence}"));
        }
        configure()?;
        // The filter must not hide what is told of it.
        let is_told_before = enabled!(Level::INFO);
        if is_told_before {
            tell(&changes);
        }
        if has(Part::Requests) {
            descriptors::tell_lack(&merged.serve, self.descriptors);
        }
        if has(Part::Log) {
            self.filter.replace(merged.serve.log());
        }
        if !is_told_before {
            tell(&changes);
        }
        self.settings = merged;
        Ok(Report::of(changes))
    }
}

fn tell(changes: &[Change]) {
    if changes.is_empty() {
        info!("no setting has changed");
    }
    for Change { line, part, .. } in changes {
        match part.can_change() {
            true => info!("changed: {line}"),
            false => warn!("not changed, because it needs a restart: {line}"),
        }
    }
}
