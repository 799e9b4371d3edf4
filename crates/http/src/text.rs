//! Text that clients and operators write, read without knowing where it came from.
//!
//! - [`query::Query`]: the parameters of a query, decoded.
//! - [`quoted::Quoted`]: a name as it stands in a line of the log.
//! - [`since::since`]: how far back a client wants to begin.
//! - [`rfc3339`]: times in the form of RFC 3339.
//! - [`nearest::nearest`]: the known name that a misspelt one was meant to be.
//! - [`keep_alive`]: how long HTTP/1.1 clients are told that their connection is kept.
//!
//! Nothing here knows a request, a connection or the server. The files of this folder are pure functions.

pub(crate) mod keep_alive;
pub(crate) mod nearest;
pub(crate) mod query;
pub(crate) mod quoted;
pub(crate) mod rfc3339;
pub(crate) mod since;
