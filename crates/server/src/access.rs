//! Who may do what, from the settings to the rules of the server.
//!
//! - `rules`: the rules, made of parts that change one by one. `files`: keys in files, which are watched.
//! - `fetch`: keys behind an address. `application`: an application that decides. `answers`: the answers of it that are kept.
//! - `lifetime`: how long an answer says that it holds.

mod answers;
mod application;
mod fetch;
mod files;
mod lifetime;
mod rules;

use std::{future, io, mem, sync::Arc, thread};

use fanfare_core::Pattern;
use fanfare_grants::{IssuerConfig, Tokens};
use fanfare_http::{Access, Gate};
use tokio::{runtime::Builder, task::LocalSet};

pub(crate) use self::fetch::{Source, fetch};
use self::{
    application::{Application, Asker},
    files::{IssuerFiles, KeyFile},
    rules::Rules,
};
use crate::{
    settings::AccessPlan,
    watch::{Look, Watched},
};

/// Everything that decides who may do what, read but not yet watched.
pub(crate) struct Who {
    rules: Arc<Rules>,
    files: Vec<Box<dyn Look>>,
    sources: Vec<Source>,
    asker: Option<Asker>,
}

impl Who {
    /// Reads all files.
    ///
    /// # Errors
    /// A sentence with the setting and the file, without a secret.
    pub(crate) fn read(plan: AccessPlan) -> Result<Self, String> {
        let AccessPlan { issuers, api_keys, public, public_publish, cookie, application } = plan;
        let (mut configs, mut sources, mut of_issuers) = (Vec::new(), Vec::new(), Vec::new());
        for plan in issuers {
            let (files, config, content, of_issuer) = IssuerFiles::read(plan)?;
            configs.push(config);
            sources.extend(of_issuer);
            of_issuers.push((files, content));
        }
        let of_keys = api_keys.map(KeyFile::read).transpose().map_err(|fault| format!("--api-keys: {fault}"))?;
        let asks_to_publish = application.as_ref().is_some_and(|plan| plan.publish);
        let made = application.map(Application::new).transpose();
        let (application, asker) = made.map_err(|fault| format!("--authorize-url: {fault}"))?.unzip();
        let access = Access {
            tokens: None,
            keys: of_keys.as_ref().map(|(_, keys, _)| Arc::clone(keys)),
            public,
            public_publish,
            cookie,
            application: application.map(|application| Arc::new(application) as _),
            asks_to_publish,
        };
        let rules = Arc::new(Rules::new(configs, access)?);
        let mut files: Vec<Box<dyn Look>> = Vec::new();
        for (place, (issuer, content)) in of_issuers.into_iter().enumerate() {
            if issuer.has_files() {
                files.push(Box::new(Watched::new(issuer.with(&rules, place), &content)));
            }
        }
        if let Some((file, _, content)) = of_keys {
            files.push(Box::new(Watched::new(file.with(&rules), &content)));
        }
        Ok(Self { rules, files, sources, asker })
    }

    /// The rules in the words of the log, if there are any.
    pub(crate) fn told(&self) -> Option<String> {
        let access = self.rules.gate().access();
        let is_private = access.is_reading_private() || access.is_publishing_private();
        is_private.then(|| told(&access))
    }

    /// The rules for the server.
    pub(crate) fn gate(&self) -> Gate {
        self.rules.gate()
    }

    /// The files with keys, if there are any, to be watched from now on.
    pub(crate) fn watched(&mut self) -> Vec<Box<dyn Look>> {
        mem::take(&mut self.files)
    }

    /// Fetches keys and asks the application, if there is any of them, on a thread of its own until the process ends: no stream waits
    /// for them, and they wait for no stream.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn keep(self) -> io::Result<()> {
        if self.sources.is_empty() && self.asker.is_none() {
            return Ok(());
        }
        let runtime = Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("access".to_owned()).spawn(move || {
            LocalSet::new().block_on(&runtime, async move {
                for source in self.sources {
                    tokio::task::spawn_local(fetch::keep(source));
                }
                if let Some(asker) = self.asker {
                    asker.ask_for_ever().await;
                }
                future::pending::<()>().await;
            });
        })?;
        Ok(())
    }
}

fn told(access: &Access) -> String {
    let state = |is_private: bool| if is_private { "private" } else { "public" };
    let texts = |patterns: &[Pattern]| patterns.iter().map(Pattern::as_str).collect::<Vec<_>>().join(", ");
    let (reading, publishing) = (state(access.is_reading_private()), state(access.is_publishing_private()));
    let mut text = format!("reading is {reading}, publishing is {publishing}");
    if let Some(tokens) = &access.tokens {
        let names: Vec<_> = tokens.issuers().iter().map(|issuer| issuer.name().to_string()).collect();
        text += &format!("; tokens of {}", names.join(", "));
    }
    if let Some(keys) = &access.keys {
        let names: Vec<_> = keys.grants().map(|grant| grant.holder.as_str()).collect();
        text +=
            &format!("; keys of publishers: {}", if names.is_empty() { "none".to_owned() } else { names.join(", ") });
    }
    if access.application.is_some() {
        text += "; an application decides";
    }
    for (what, patterns) in [("to read", &access.public), ("to publish", &access.public_publish)] {
        if !patterns.is_empty() {
            text += &format!("; public {what}: {}", texts(patterns));
        }
    }
    text
}

/// The issuers of a plan, for somebody who only judges tokens. The keys behind addresses are still to be fetched.
///
/// # Errors
/// As of [`Who::read`].
pub(crate) fn tokens(plan: &AccessPlan) -> Result<(Tokens, Vec<Source>), String> {
    let (mut configs, mut sources): (Vec<IssuerConfig>, Vec<Source>) = (Vec::new(), Vec::new());
    for plan in plan.issuers.clone() {
        let (_, config, _, of_issuer) = IssuerFiles::read(plan)?;
        configs.push(config);
        sources.extend(of_issuer);
    }
    Ok((rules::tokens(&configs)?, sources))
}
