//! Traces of publishes (W3C Trace Context): what callers have named is kept, and told to whoever collects traces.
//!
//! - `context`: the header `traceparent`.
//! - `recent`: the traces of the last events.
//! - `under_way`: publishes whose facts are not complete.
//! - `traced`: a finished publish, and who takes it.
//! - `kept`: all of these. `span`: one publish on its way.
//!
//! A publish without the header costs one look for it.

pub(crate) mod context;
pub(crate) mod kept;
mod recent;
pub(crate) mod span;
pub(crate) mod traced;
pub(crate) mod under_way;
