//! One file a scenario: what it opens, what it publishes, and what it must find.

pub(crate) mod fanout;
pub(crate) mod idle;
