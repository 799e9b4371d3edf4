//! [`Leaving`]: how an old process stops accepting for a new one. Both have the same sockets, so each connection goes to one of them.

use std::{sync::Arc, time::Duration};

use fanfare_http::Stop;
use tokio::sync::Notify;

/// Time for requests of connections that were accepted before. They are served as ever.
const GRACE: Duration = Duration::from_millis(500);

/// The word that a server leaves for another process. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leaving(Arc<Notify>);

impl Leaving {
    /// Waits until the server leaves, and says how.
    pub(crate) async fn told(&self) -> Stop {
        self.0.notified().await;
        Stop::HandOver { grace: GRACE }
    }

    /// Has the server leave.
    pub(crate) fn leave(&self) {
        self.0.notify_one();
    }
}
