//! [`authorities`]: the certificate authorities in a PEM file.

use std::{fs, path::Path};

use rustls::RootCertStore;

use super::pair::certificates;

/// The authorities in the file `path`. At least one.
///
/// # Errors
/// A sentence with the file.
pub(crate) fn authorities(path: &Path) -> Result<RootCertStore, String> {
    let shown = path.display();
    let text = fs::read(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&text, &shown.to_string())? {
        roots.add(certificate).map_err(|error| format!("a certificate in {shown} cannot be an authority: {error}"))?;
    }
    Ok(roots)
}
