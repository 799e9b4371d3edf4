//! [`CompareError`]: the reason why a comparison has no result.

use std::io;
use std::path::PathBuf;

use crate::compare::certificate::CertificateError;
use crate::compare::cores::CoresError;
use crate::compare::generator::GeneratorError;
use crate::compare::peer::error::PeerError;

/// The reason why a comparison has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompareError {
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    Cores(#[from] CoresError),
    #[error(transparent)]
    Generator(#[from] GeneratorError),
    #[error("cannot write {}: {cause}", path.display())]
    Write { path: PathBuf, cause: io::Error },
    #[error("cannot raise the descriptor limit: {0}")]
    Limit(#[source] io::Error),
    #[error("cannot catch signals: {0}")]
    Signals(#[source] io::Error),
    #[error("a server that is to be scraped does not say where its figures are: its log has to stay at info")]
    NoFigures,
    #[error("cannot start the thread that scrapes: {0}")]
    Scraper(#[source] io::Error),
    #[error("cannot find this program: {0}")]
    OwnProgram(#[source] io::Error),
}
