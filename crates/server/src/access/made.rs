//! [`Made`]: who may do what as the settings say it, with all files read, and not yet in use.

use std::{io, sync::Arc, thread};

use fanfare_grants::IssuerConfig;
use fanfare_http::Access;
use tokio::{
    runtime::Builder,
    sync::oneshot,
    task::{LocalSet, spawn_local},
};

use super::{
    application::{Application, Asker},
    fetch::{self, Source},
    files::{IssuerFiles, KeyFile, OfFiles},
    rules::Rules,
};
use crate::{
    settings::{AccessPlan, ApplicationPlan},
    watch::{Look, Watched},
};

/// The application that decides, and how it is asked.
#[derive(Clone)]
pub(super) struct Deciding {
    plan: ApplicationPlan,
    application: Arc<Application>,
}

/// Rules that can be used.
pub(super) struct Made {
    pub(super) issuers: Vec<IssuerConfig>,
    pub(super) access: Access,
    pub(super) sources: Vec<Source>,
    pub(super) deciding: Option<Deciding>,
    /// Whoever asks the application, unless that was asked before by the same settings.
    pub(super) asker: Option<Asker>,
    of_issuers: Vec<(IssuerFiles, OfFiles)>,
    of_keys: Option<(KeyFile, Vec<u8>)>,
}

impl Made {
    /// Reads all files. Keys that were fetched and an application that is asked stay in use, as far as `known_sources` and
    /// `known` are what the plan says.
    ///
    /// # Errors
    /// A sentence with the setting and the file, without a secret.
    pub(super) fn read(plan: AccessPlan, known_sources: &[Source], known: Option<&Deciding>) -> Result<Self, String> {
        let AccessPlan { issuers: plans, api_keys, public, public_publish, cookie, application } = plan;
        let (mut issuers, mut sources, mut of_issuers) = (Vec::new(), Vec::new(), Vec::new());
        for plan in plans {
            let (files, config, content, of_issuer) = IssuerFiles::read(plan, known_sources)?;
            issuers.push(config);
            sources.extend(of_issuer);
            of_issuers.push((files, content));
        }
        let of_keys = api_keys.map(KeyFile::read).transpose().map_err(|fault| format!("--api-keys: {fault}"))?;
        let asks_to_publish = application.as_ref().is_some_and(|plan| plan.publish);
        let made = application.map(|plan| Deciding::new(plan, known)).transpose();
        let (deciding, asker) = made.map_err(|fault| format!("--authorize-url: {fault}"))?.unzip();
        let access = Access {
            tokens: None,
            keys: of_keys.as_ref().map(|(_, keys, _)| Arc::clone(keys)),
            public,
            public_publish,
            cookie,
            application: deciding.as_ref().map(|Deciding { application, .. }| Arc::clone(application) as _),
            asks_to_publish,
        };
        let of_keys = of_keys.map(|(file, _, content)| (file, content));
        Ok(Self { issuers, access, sources, deciding, asker: asker.flatten(), of_issuers, of_keys })
    }

    /// The files to be watched for `rules`, which have this `number`.
    pub(super) fn watched(self, rules: &Arc<Rules>, number: u64) -> Vec<Box<dyn Look>> {
        let mut files: Vec<Box<dyn Look>> = Vec::new();
        for (place, (issuer, content)) in self.of_issuers.into_iter().enumerate() {
            if issuer.has_files() {
                files.push(Box::new(Watched::new(issuer.with(rules, number, place), &content)));
            }
        }
        if let Some((file, content)) = self.of_keys {
            files.push(Box::new(Watched::new(file.with(rules, number), &content)));
        }
        files
    }
}

impl Deciding {
    /// The application of this plan, and whoever asks it, unless it is the `known` one.
    fn new(plan: ApplicationPlan, known: Option<&Self>) -> Result<(Self, Option<Asker>), String> {
        if let Some(known) = known.filter(|known| known.plan == plan) {
            return Ok((known.clone(), None));
        }
        let (application, asker) = Application::new(plan.clone())?;
        Ok((Self { plan, application: Arc::new(application) }, Some(asker)))
    }
}

/// Fetches keys until it is dropped.
pub(super) struct Fetching {
    _until_dropped: oneshot::Sender<()>,
}

impl Fetching {
    /// Fetches on a thread of its own: no stream waits for it, and it waits for no stream. `None`: there is nothing to fetch.
    ///
    /// # Errors
    /// No thread can be started.
    pub(super) fn start(sources: &[Source]) -> io::Result<Option<Self>> {
        if sources.is_empty() {
            return Ok(None);
        }
        let sources = sources.to_vec();
        let (until_dropped, dropped) = oneshot::channel::<()>();
        on_a_thread("keys", async move {
            for source in sources {
                spawn_local(fetch::keep(source));
            }
            // It ends with an error, because nobody sends anything.
            let _ = dropped.await;
        })?;
        Ok(Some(Self { _until_dropped: until_dropped }))
    }
}

/// Asks the application on a thread of its own, until nobody can ask it any more.
///
/// # Errors
/// No thread can be started.
pub(super) fn keep_asking(asker: Asker) -> io::Result<()> {
    on_a_thread("application", asker.ask_until_the_end())
}

fn on_a_thread(name: &str, work: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name(name.to_owned()).spawn(move || LocalSet::new().block_on(&runtime, work))?;
    Ok(())
}
