//! The rules of who may do what, as a program gives them.
//!
//! # Nouns
//!
//! - [`gate::Gate`]: the rules of a running server, an [`gate::Access`] that can be replaced.
//!
//! # Files
//!
//! - [`authorize::Authorize`]: an application that decides.

pub(crate) mod authorize;
pub(crate) mod gate;
