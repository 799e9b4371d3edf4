//! [`IssuerFiles`] and [`KeyFile`]: keys of issuers and of publishers in files, read at the start, and again when they change.

use std::{path::PathBuf, sync::Arc, time::SystemTime};

use fanfare_grants::{ApiKeys, IssuerConfig, Jwks, Key, KeySet, KeySpec};

use super::{fetch::Source, rules::Rules};
use crate::{
    settings::IssuerPlan,
    small_file,
    watch::{self, Refused},
};

/// The files with the keys of one issuer. They change together.
pub(super) struct IssuerFiles {
    plan: IssuerPlan,
    used: Option<(Arc<Rules>, u64, usize)>,
}

/// What stands in the files of an issuer, in the order of its keys.
pub(super) type OfFiles = Vec<Vec<u8>>;

impl IssuerFiles {
    /// Reads the files. Returns the issuer that they make, what stands in them, and the addresses of its other keys. Those that are
    /// `known` have their keys already.
    ///
    /// # Errors
    /// A sentence with the setting and the file.
    pub(super) fn read(
        plan: IssuerPlan,
        known: &[Source],
    ) -> Result<(Self, IssuerConfig, OfFiles, Vec<Source>), String> {
        let fault = |fault: String| format!("{}: {fault}", plan.setting);
        let content = contents(&plan).map_err(fault)?;
        let keys = keys(&plan, &content).map_err(fault)?;
        let mut sources = Vec::new();
        for spec in &plan.keys {
            if let KeySpec::JwksUrl(url) = spec {
                let set = Arc::new(KeySet::new(plan.algorithms.clone(), KeySet::PAUSE_MS));
                let source = Source::new(&plan.config.name, url, set).map_err(fault)?;
                sources.push(known.iter().find(|known| known.is_like(&source)).cloned().unwrap_or(source));
            }
        }
        let sets = sources.iter().map(|source| Arc::clone(&source.set)).collect();
        let config = IssuerConfig { keys, sets, ..plan.config.clone() };
        Ok((Self { plan, used: None }, config, content, sources))
    }

    /// Whether there is anything to watch.
    pub(super) fn has_files(&self) -> bool {
        self.plan.keys.iter().any(|spec| path(spec).is_some())
    }

    /// The same with the rules of this `number` that use the keys, as those of the issuer at `place`.
    pub(super) fn with(self, rules: &Arc<Rules>, number: u64, place: usize) -> Self {
        Self { used: Some((Arc::clone(rules), number, place)), ..self }
    }
}

impl watch::Files for IssuerFiles {
    type Content = OfFiles;

    fn content(&self) -> Result<OfFiles, String> {
        contents(&self.plan)
    }

    fn replace(&mut self, content: OfFiles, _: SystemTime) -> Result<String, Refused> {
        let keys = keys(&self.plan, &content).map_err(Refused::new)?;
        let number = keys.len();
        if let Some((rules, of_rules, place)) = &self.used {
            rules.replace_issuer(*of_rules, *place, keys).map_err(Refused::new)?;
        }
        Ok(format!(": {number} {}", if number == 1 { "key" } else { "keys" }))
    }

    fn told(&self) -> String {
        format!("keys of the issuer {}", self.plan.config.name)
    }
}

fn path(spec: &KeySpec) -> Option<&PathBuf> {
    match spec {
        KeySpec::Pem { path, .. } | KeySpec::JwksFile(path) => Some(path),
        KeySpec::Secret { .. } | KeySpec::JwksUrl(_) => None,
    }
}

fn contents(plan: &IssuerPlan) -> Result<OfFiles, String> {
    plan.keys.iter().filter_map(path).map(|path| small_file::keys(path)).collect()
}

/// The keys that the settings and their files hold.
fn keys(plan: &IssuerPlan, content: &OfFiles) -> Result<Vec<Key>, String> {
    let (mut keys, mut contents) = (Vec::new(), content.iter());
    for spec in &plan.keys {
        let bytes = if path(spec).is_some() { contents.next().map(Vec::as_slice).unwrap_or_default() } else { &[] };
        let at = |error: &dyn ToString| match path(spec) {
            Some(path) => format!("{}: {}", path.display(), error.to_string()),
            None => error.to_string(),
        };
        match spec {
            KeySpec::Secret { algorithm, secret } => {
                keys.push(Key::secret(*algorithm, secret).map_err(|error| at(&error))?);
            }
            KeySpec::Pem { algorithm, .. } => keys.push(Key::pem(*algorithm, bytes).map_err(|error| at(&error))?),
            KeySpec::JwksFile(_) => {
                keys.extend_from_slice(Jwks::parse(bytes, &plan.algorithms).map_err(|error| at(&error))?.keys());
            }
            KeySpec::JwksUrl(_) => {}
        }
    }
    Ok(keys)
}

/// The file with the keys of publishers.
pub(super) struct KeyFile {
    path: PathBuf,
    used: Option<(Arc<Rules>, u64)>,
}

impl KeyFile {
    /// Reads the file. Returns what stands in it as well.
    ///
    /// # Errors
    /// A sentence with the file.
    pub(super) fn read(path: PathBuf) -> Result<(Self, Arc<ApiKeys>, Vec<u8>), String> {
        let content = small_file::keys(&path)?;
        let file = Self { path, used: None };
        let keys = file.parse(&content)?;
        Ok((file, keys, content))
    }

    /// The same with the rules of this `number` that use the keys.
    pub(super) fn with(self, rules: &Arc<Rules>, number: u64) -> Self {
        Self { used: Some((Arc::clone(rules), number)), ..self }
    }

    fn parse(&self, content: &[u8]) -> Result<Arc<ApiKeys>, String> {
        let name = self.path.display();
        let text = str::from_utf8(content).map_err(|_| format!("{name}: not UTF-8 text"))?;
        ApiKeys::parse(text).map(Arc::new).map_err(|error| format!("{name}, {error}"))
    }
}

impl watch::Files for KeyFile {
    type Content = Vec<u8>;

    fn content(&self) -> Result<Vec<u8>, String> {
        small_file::keys(&self.path)
    }

    fn replace(&mut self, content: Vec<u8>, _: SystemTime) -> Result<String, Refused> {
        let keys = self.parse(&content).map_err(Refused::new)?;
        let names: Vec<_> = keys.grants().map(|grant| grant.holder.as_str()).collect();
        let told = if names.is_empty() { ": no key".to_owned() } else { format!(": {}", names.join(", ")) };
        if let Some((rules, number)) = &self.used {
            rules.replace_keys(*number, keys);
        }
        Ok(told)
    }

    fn told(&self) -> String {
        format!("keys of publishers {}", self.path.display())
    }
}
