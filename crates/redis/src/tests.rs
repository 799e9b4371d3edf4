//! Parts of a journal with real Redis servers.

mod primary;
#[path = "../tests/support/mod.rs"]
mod support;
