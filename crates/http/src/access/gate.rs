//! [`Access`]: the rules of who may do what. [`Gate`]: the rules of a running server, which can be replaced.

use std::sync::Arc;

use fanfare_core::{Channel, Pattern};
use fanfare_grants::{ApiKeys, Tokens};
use parking_lot::RwLock;

use crate::access::authorize::Authorize;

/// Bytes of the longest publish key.
pub const PUBLISH_KEY_BYTES_MAX: usize = 256;

/// The rules of who may do what. By default everybody may do everything.
///
/// Reading is private once there are tokens or an application: then a stream, and a page of history, needs a grant for each of its
/// channels, unless a pattern makes them public. Publishing is private once there are tokens or keys, or the application is asked to
/// publish.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The issuers whose tokens count.
    pub tokens: Option<Arc<Tokens>>,
    /// The keys of publishers.
    pub keys: Option<Arc<ApiKeys>>,
    /// Channels that everybody may follow and read.
    pub public: Vec<Pattern>,
    /// Channels that everybody may publish to.
    pub public_publish: Vec<Pattern>,
    /// The cookie that may hold a token. Default: none may.
    pub cookie: Option<String>,
    /// The application that decides where none of these does.
    pub application: Option<Arc<dyn Authorize>>,
    /// The application is asked about publishes too.
    pub asks_to_publish: bool,
}

impl Access {
    /// Whether reading needs a grant.
    pub fn is_reading_private(&self) -> bool {
        self.tokens.is_some() || self.application.is_some()
    }

    /// Whether publishing needs a grant.
    pub fn is_publishing_private(&self) -> bool {
        self.tokens.is_some() || self.keys.is_some() || (self.application.is_some() && self.asks_to_publish)
    }

    pub(crate) fn is_public(&self, pattern: &Pattern) -> bool {
        self.public.iter().any(|public| public.covers(pattern))
    }

    pub(crate) fn is_public_channel(&self, channel: &Channel) -> bool {
        self.public.iter().any(|public| public.matches(channel.as_str()))
    }

    pub(crate) fn is_public_to_publish(&self, channel: &Channel) -> bool {
        self.public_publish.iter().any(|public| public.matches(channel.as_str()))
    }
}

/// The rules of a running server. All clones are the same gate.
///
/// Rules that are replaced count for requests that come later. A stream that is open goes on until it ends, or its grant does.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<RwLock<Arc<Access>>>);

impl Gate {
    /// A gate with these rules.
    pub fn new(access: Access) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(access))))
    }

    /// Replaces the rules.
    pub fn replace(&self, access: Access) {
        *self.0.write() = Arc::new(access);
    }

    /// The rules as of now.
    pub fn access(&self) -> Arc<Access> {
        Arc::clone(&self.0.read())
    }
}
