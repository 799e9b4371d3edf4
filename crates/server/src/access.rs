//! Who may do what, from the settings to the rules of the server.
//!
//! - `rules`: the rules, made of parts that change one by one. `made`: rules that are read and not yet in use.
//! - `files`: keys in files, which are watched.
//! - `fetch`: keys behind an address. `application`: an application that decides. `answers`: the answers of it that are kept.
//! - `lifetime`: how long an answer says that it holds.

mod answers;
mod application;
mod fetch;
mod files;
mod lifetime;
mod made;
mod rules;

use std::{io, mem, sync::Arc};

use fanfare_core::Pattern;
use fanfare_grants::{IssuerConfig, Tokens};
use fanfare_http::{Access, Gate};

#[cfg(feature = "otlp")]
pub(crate) use self::application::{HttpsClient, https_client};
pub(crate) use self::fetch::{Source, fetch};
use self::{
    files::IssuerFiles,
    made::{Deciding, Fetching, Made, keep_asking},
    rules::Rules,
};
use crate::{settings::AccessPlan, watch::Look};

/// Everything that decides who may do what. Keys are fetched, and the application is asked, from [`Who::keep`] on.
pub(crate) struct Who {
    rules: Arc<Rules>,
    files: Vec<Box<dyn Look>>,
    sources: Vec<Source>,
    deciding: Option<Deciding>,
    asker: Option<application::Asker>,
    fetching: Option<Fetching>,
}

/// Other rules, read but not yet in use.
pub(crate) struct Next(Made);

impl Who {
    /// Reads all files.
    ///
    /// # Errors
    /// A sentence with the setting and the file, without a secret.
    pub(crate) fn read(plan: AccessPlan) -> Result<Self, String> {
        let mut made = Made::read(plan, &[], None)?;
        let rules = Arc::new(Rules::new(mem::take(&mut made.issuers), mem::take(&mut made.access))?);
        let (sources, deciding, asker) = (mem::take(&mut made.sources), made.deciding.take(), made.asker.take());
        let files = made.watched(&rules, 0);
        Ok(Self { rules, files, sources, deciding, asker, fetching: None })
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

    /// Fetches keys and asks the application from now on, if there is any of them, on threads of their own.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn keep(&mut self) -> io::Result<()> {
        self.fetching = Fetching::start(&self.sources)?;
        self.asker.take().map_or(Ok(()), keep_asking)
    }

    /// Reads all files of another plan. What it has in common with the rules in use stays: fetched keys, and answers of the
    /// application.
    ///
    /// # Errors
    /// As of [`Who::read`].
    pub(crate) fn next(&self, plan: AccessPlan) -> Result<Next, String> {
        let made = Made::read(plan, &self.sources, self.deciding.as_ref())?;
        rules::tokens(&made.issuers)?;
        Ok(Next(made))
    }

    /// Uses other rules from now on. Returns the files to be watched instead of those before.
    ///
    /// # Errors
    /// A sentence: no thread can be started. Nothing has changed.
    pub(crate) fn replace(&mut self, next: Next) -> Result<Vec<Box<dyn Look>>, String> {
        let Next(mut made) = next;
        let failed = |error: io::Error| format!("no thread can be started: {error}");
        let (old, new) = (&self.sources, &made.sources);
        let is_fetched = old.len() == new.len() && old.iter().zip(new).all(|(old, new)| old.is_same(new));
        let fetching = if is_fetched { None } else { Some(Fetching::start(new).map_err(failed)?) };
        made.asker.take().map_or(Ok(()), keep_asking).map_err(failed)?;
        let number = self.rules.replace(mem::take(&mut made.issuers), mem::take(&mut made.access))?;
        if let Some(fetching) = fetching {
            // The drop of the old one ends its fetches.
            self.fetching = fetching;
        }
        (self.sources, self.deciding) = (mem::take(&mut made.sources), made.deciding.take());
        Ok(made.watched(&self.rules, number))
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
        let (_, config, _, of_issuer) = IssuerFiles::read(plan, &[])?;
        configs.push(config);
        sources.extend(of_issuer);
    }
    Ok((rules::tokens(&configs)?, sources))
}
