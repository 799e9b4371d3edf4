//! [`Refused`]: an answer carries it from where it is made to where the request is known, which is where it is logged.

use std::{net::SocketAddr, sync::Arc};

use hyper::{Method, Response, Uri};
use tracing::info;

use crate::{app::App, body::Body};

/// What a line of the log says of a path.
const PATH_CHARACTERS_MAX: usize = 256;

/// Why a request is refused: an extension of its answer, which does not leave the server.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) detail: String,
}

/// The request that an answer is to.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) app: Arc<App>,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) address: SocketAddr,
}

impl Asked {
    /// Logs `response` if it is a refusal: a few a second, with the number of those left out. The query may hold a secret, and is
    /// not shown.
    pub(crate) fn log(&self, response: &mut Response<Body>) {
        let Some(Refused { detail }) = response.extensions_mut().remove() else { return };
        let Self { app, method, uri, address } = self;
        let Some(left_out) = app.refused.admit(app.now_ms()) else { return };
        let path: String = uri.path().chars().take(PATH_CHARACTERS_MAX).collect();
        let status = response.status().as_u16();
        // `?` escapes whatever a client has put into it.
        info!(status, %method, ?path, peer = %address, reason = ?detail, left_out, "refused");
    }
}
