//! [`Current`]: the settings as they are now, with what is made of them. A reload puts others in their place.
//!
//! Requests and connections read them. A delivery never does: what the engine needs, it has from its start.

use std::{ops::Deref, sync::Arc};

use fanfare_grants::ApiKeys;
use hyper::header::HeaderValue;

use crate::{config::Config, text::keep_alive};

/// The name of the publish key in the log.
pub(crate) const PUBLISH_KEY_NAME: &str = "publish-key";

/// Settings, and what is made of them once.
#[derive(Debug)]
pub(crate) struct Current {
    config: Config,
    /// The publish key, if there is one.
    pub(crate) publish_key: Option<Arc<ApiKeys>>,
    /// The header `Keep-Alive`, if connections are kept.
    pub(crate) keep_alive: Option<HeaderValue>,
}

impl From<Config> for Current {
    fn from(config: Config) -> Self {
        Self {
            publish_key: config.publish_key.as_deref().map(publish_key),
            keep_alive: keep_alive::header(config.keep_alive_timeout).filter(|_| config.idle_connections_max > 0),
            config,
        }
    }
}

impl Deref for Current {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.config
    }
}

/// The publish key, which grants to publish everything. A key that can be none was refused before. If it were not, nobody could
/// publish.
fn publish_key(key: &str) -> Arc<ApiKeys> {
    Arc::new(ApiKeys::default().with_key_to_everything(PUBLISH_KEY_NAME, key).unwrap_or_default())
}
