//! Limits of a connection that whoever drives it sets. Those that follow from the protocol stand in flood.rs.

/// Limits of one connection, shared by all.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The most streams that are open at a time. Further ones are refused.
    pub streams_max: u32,
    /// The most bytes of one request head, counted as RFC 9113 section 6.5.2 counts them. A larger one is answered with 431.
    pub head_bytes_max: usize,
    /// Bytes of a body that may wait in one stream, at most 2^31-1.
    pub stream_window_bytes: u32,
    /// Bytes of bodies that may wait in all streams together, 65,535 to 2^31-1.
    pub connection_window_bytes: u32,
}
