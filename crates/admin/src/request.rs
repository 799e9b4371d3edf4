//! Requests: where they go, who sends them, and what is in them.

pub(crate) mod body;
pub(crate) mod guard;
pub(crate) mod query;
pub(crate) mod route;
