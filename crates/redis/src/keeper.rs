//! Keeps the Stream within its bytes of memory: every node does, and whichever comes first has done it for all.

use std::time::Duration;

use tokio::time::sleep;

use crate::link::{Link, LinkError};

/// How often it is looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// Looks and trims, for ever.
pub(crate) async fn run(link: &Link, bytes_max: u64) -> LinkError {
    loop {
        if let Err(error) = link.trim(bytes_max).await {
            return error;
        }
        sleep(INTERVAL).await;
    }
}
