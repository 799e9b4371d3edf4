//! [`Refused`]: an answer carries it from where it is made to where the request is known, which is where it is logged.

use std::{net::SocketAddr, sync::Arc};

use hyper::{Method, Response, StatusCode, Uri};
use tracing::info;

use crate::{app::App, body::Body, log::Sampler};

/// What a line of the log says of a path, or of why.
const TEXT_CHARACTERS_MAX: usize = 256;

/// How many lines there are. Paths that do not exist are apart, because scanners ask for many: they must not hide who has no key.
#[derive(Debug, Default)]
pub(crate) struct RefusalLog {
    not_found: Sampler,
    pub(crate) others: Sampler,
}

impl RefusalLog {
    /// Logs what was refused before there was a request.
    pub(crate) fn log_unread(&self, now_ms: u64, address: SocketAddr, why: &str) {
        if let Some(left_out) = self.others.admit(now_ms) {
            info!(peer = %address, reason = why, left_out, "refused");
        }
    }
}

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
        let is_not_found = response.status() == StatusCode::NOT_FOUND;
        let sampler = if is_not_found { &app.refused.not_found } else { &app.refused.others };
        let Some(left_out) = sampler.admit(app.now_ms()) else { return };
        let begin = |text: &str| text.chars().take(TEXT_CHARACTERS_MAX).collect::<String>();
        let (path, reason) = (begin(uri.path()), begin(&detail));
        let status = response.status().as_u16();
        // `?` escapes whatever a client has put into it.
        info!(status, %method, ?path, peer = %address, ?reason, left_out, "refused");
    }
}
