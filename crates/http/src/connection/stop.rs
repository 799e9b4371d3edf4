//! [`stopped`]: the moment in which a connection has to end.

use fanfare_core::engine::Reached;
use tokio::task::yield_now;

/// Waits until the connection has to end, and all that its client had sent by then can be read. A connection that is closed on
/// an unread request leaves a publisher without an answer.
pub(super) async fn stopped(stop: &mut Reached) {
    stop.await;
    // The runtime looks at its sockets before it comes back here.
    yield_now().await;
}
