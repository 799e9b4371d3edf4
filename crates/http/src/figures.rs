//! What a server counts and measures for those who run it, besides what the engine counts.
//!
//! - [`streams::Streams`]: open streams by transport. A [`streams::StreamSeat`] is one of them.
//! - [`counts::Counts`]: requests, and publishes by outcome.
//! - [`times::Times`]: how long publishes wait, and how long they take to the sockets.
//! - [`refused_streams::RefusedStreams`]: the streams that were refused last.

pub(crate) mod counts;
pub(crate) mod refused_streams;
pub(crate) mod streams;
pub(crate) mod times;
