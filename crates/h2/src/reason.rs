//! Why a stream or a connection ends, and the errors that say that it has.

use thiserror::Error;

/// An error code of HTTP/2 (RFC 9113 section 7). Codes that the RFC does not know are kept as they came.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Reason(u32);

impl Reason {
    /// Nothing went wrong.
    pub const NO_ERROR: Self = Self(0x0);
    /// The peer broke a rule for which there is no code of its own.
    pub const PROTOCOL_ERROR: Self = Self(0x1);
    /// Something failed on this side.
    pub const INTERNAL_ERROR: Self = Self(0x2);
    /// The peer sent more than a window allowed, or made a window too large.
    pub const FLOW_CONTROL_ERROR: Self = Self(0x3);
    /// The peer did not acknowledge settings in time.
    pub const SETTINGS_TIMEOUT: Self = Self(0x4);
    /// A frame came for a stream that had ended.
    pub const STREAM_CLOSED: Self = Self(0x5);
    /// A frame had a length that its type does not allow.
    pub const FRAME_SIZE_ERROR: Self = Self(0x6);
    /// The stream was not begun: the request may be sent again.
    pub const REFUSED_STREAM: Self = Self(0x7);
    /// Nobody wants the stream any more.
    pub const CANCEL: Self = Self(0x8);
    /// The state of header compression is lost.
    pub const COMPRESSION_ERROR: Self = Self(0x9);
    /// The connection of a CONNECT request broke.
    pub const CONNECT_ERROR: Self = Self(0xa);
    /// The peer makes work that leads nowhere.
    pub const ENHANCE_YOUR_CALM: Self = Self(0xb);
    /// TLS is not good enough for HTTP/2.
    pub const INADEQUATE_SECURITY: Self = Self(0xc);
    /// The request has to be made over HTTP/1.1.
    pub const HTTP_1_1_REQUIRED: Self = Self(0xd);

    /// The reason with this code.
    pub const fn new(code: u32) -> Self {
        Self(code)
    }

    /// The code as frames carry it.
    pub const fn code(self) -> u32 {
        self.0
    }
}

/// The connection is over: send what is in its output, and close it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the HTTP/2 connection is over: code {:#x}", .0.code())]
pub struct Broken(pub Reason);

/// The stream is not open for sending: it was reset, it has ended, or it never was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the HTTP/2 stream is gone")]
pub struct Gone;
