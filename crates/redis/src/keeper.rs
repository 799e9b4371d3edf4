//! Keeps the Stream within its bytes of memory. Every node does so, and the first one has done it for all.

use std::{future::pending, time::Duration};

use tokio::time::sleep;
use tracing::warn;

use crate::{link::Link, link_error::LinkError};

/// Time between two looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// Looks and trims, until the link fails.
pub(crate) async fn run(link: &Link, bytes_max: u64) -> LinkError {
    loop {
        match link.trim(bytes_max).await {
            Ok(()) => sleep(INTERVAL).await,
            Err(error) if error.is_setting => {
                warn!("the Stream is not kept within its bytes: {error}");
                pending::<()>().await;
            }
            Err(error) => return error,
        }
    }
}
