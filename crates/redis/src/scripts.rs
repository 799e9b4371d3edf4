//! [`Scripts`]: the scripts, as a server calls them. Each says on top what it does; their keys are [`crate::config::Keys`].

use redis::aio::MultiplexedConnection;

use crate::link_error::LinkError;

/// Digests.
#[derive(Debug)]
pub(crate) struct Scripts {
    pub(crate) append: String,
    pub(crate) attach: String,
    pub(crate) lease: String,
    pub(crate) release: String,
}

impl Scripts {
    /// Has the server load them.
    pub(crate) async fn load(connection: &mut MultiplexedConnection) -> Result<Self, LinkError> {
        let mut load = async |text: &str| -> Result<String, LinkError> {
            Ok(redis::cmd("SCRIPT").arg("LOAD").arg(text).query_async(connection).await?)
        };
        Ok(Self {
            append: load(include_str!("scripts/append.lua")).await?,
            attach: load(include_str!("scripts/attach.lua")).await?,
            lease: load(include_str!("scripts/lease.lua")).await?,
            release: load(include_str!("scripts/release.lua")).await?,
        })
    }
}
