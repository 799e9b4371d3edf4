//! Whether a server could start with its settings: `--check`, each start, and each reload ask this file.

use std::io::{Write as _, stderr, stdout};

use super::descriptors;
use crate::{
    access::Who,
    directory,
    failure::Failure,
    settings::{AccessPlan, IssuerPlan, Serve, Settings},
    tls::Tls,
};

/// Prints the settings, and the faults of what they name.
pub(crate) fn check(settings: &Settings) -> Result<(), Failure> {
    for sentence in &settings.unread {
        // Standard output is for the settings, which may be used as a file.
        let _ = writeln!(stderr(), "warning: {sentence}");
    }
    files(&settings.serve).map_err(Failure::usage)?;
    let plan = settings.serve.access().map_err(Failure::usage)?;
    for sentence in weak_secrets(&plan) {
        let _ = writeln!(stderr(), "warning: {sentence}");
    }
    Who::read(plan).map_err(Failure::usage)?;
    let report = settings.report(descriptors::raise_limit());
    // A reader that closes the output has seen enough.
    let _ = stdout().lock().write_all(report.as_bytes());
    Ok(())
}

/// Checks the directory of the journal and the files of certificates. Writes nothing.
///
/// # Errors
/// A sentence that says what to do.
pub(crate) fn files(settings: &Serve) -> Result<(), String> {
    if let Some((path, _)) = settings.journal() {
        directory::check(&path).map_err(|reason| format!("--journal: {reason}"))?;
    }
    settings.tls().map_or(Ok(()), Tls::check)
}

/// A sentence for each secret that can be guessed.
pub(crate) fn weak_secrets(plan: &AccessPlan) -> impl Iterator<Item = String> {
    plan.issuers.iter().flat_map(IssuerPlan::weak_secrets)
}
