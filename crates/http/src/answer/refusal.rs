//! [`Refused`]: the reason of a refusal. The answer carries it to where the request is known, and there it is logged.

use std::{net::SocketAddr, sync::Arc};

use hyper::{Method, Response, StatusCode, Uri};
use tracing::info;

use crate::{
    answer::body::Body,
    app::App,
    limits::{log::shown, rule::Rule},
};

/// Characters of a path, or of a reason, in a line of the log.
const TEXT_CHARACTERS_MAX: usize = 256;

/// The reason of a refusal: an extension of the answer, which does not leave the server.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) reason: String,
    pub(crate) rule: Option<Rule>,
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
        let Some(Refused { reason, rule }) = response.extensions_mut().remove() else { return };
        let Self { app, method, uri, address } = self;
        if let Some(rule) = rule {
            app.refusals.count(rule);
        }
        let is_not_found = response.status() == StatusCode::NOT_FOUND;
        let sampler = if is_not_found { &app.refused.not_found } else { app.refused.of(rule) };
        let Some(left_out) = sampler.admit(app.now_ms()) else { return };
        let begin = |text: &str| text.chars().take(TEXT_CHARACTERS_MAX).collect::<String>();
        let (path, reason) = (&*begin(uri.path()), &*begin(&reason));
        let (status, rule) = (response.status().as_u16(), rule.map(Rule::name));
        // As strings, of which both forms of the log escape whatever a client has put into them.
        info!(status, %method, path, peer = %shown(*address), rule, reason, left_out, "refused");
    }
}
