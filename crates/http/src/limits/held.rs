//! [`Held`]: what an answer holds until it is sent.

use fanfare_callers::{Caller, Seat};

use crate::limits::h2_streams::H2Seat;

/// What an answer holds until it is sent. It counts until it is dropped, and nobody looks into it.
#[derive(Debug)]
#[expect(dead_code, reason = "it counts until it is dropped")]
pub(crate) enum Held {
    /// An event stream over HTTP/2.
    Stream(H2Seat),
    /// A page of history.
    Page(Seat<Caller>),
}
