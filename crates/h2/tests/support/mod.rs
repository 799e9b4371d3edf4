//! What the tests share.
#![allow(dead_code, reason = "each test uses its own part")]

pub(crate) mod answers;
pub(crate) mod peer;
pub(crate) mod properties;
