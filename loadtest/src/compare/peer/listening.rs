//! [`Listening`]: the way in which a server that is started here has to listen.

use std::process::Command;

use crate::compare::certificate::Files;
use crate::compare::extra::Extra;
use crate::wire::transport::Version;

/// The version of HTTP that has to be spoken, the files of TLS, if it is over TLS, and what is asked of it besides.
#[derive(Debug, Clone)]
pub(crate) struct Listening {
    pub(crate) version: Version,
    pub(crate) tls: Option<Files>,
    pub(crate) extra: Extra,
}

impl Listening {
    pub(super) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Adds the flags `--tls-cert` and `--tls-key`, which Fanfare and the floor share, and what goes before them.
    pub(super) fn add_tls(&self, command: &mut Command, before: &[&str]) {
        if let Some(files) = &self.tls {
            command.args(before).arg("--tls-cert").arg(&files.certificate).arg("--tls-key").arg(&files.key);
        }
    }

    /// The load generator's flags for a server at this URL.
    pub(super) fn target(&self, url: &str, preset: &str) -> Vec<String> {
        let mut target = ["--url", url, "--preset", preset].map(str::to_owned).to_vec();
        let authority = self.tls.iter().map(|files| files.authority.to_string_lossy().into_owned());
        target.extend(authority.flat_map(|file| ["--tls-ca".to_owned(), file]));
        target
    }
}
