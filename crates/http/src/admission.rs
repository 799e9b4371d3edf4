//! From the credential of a request to its rights, before anything is done for it.
//!
//! # Files
//!
//! - [`credential::Credential`]: the token or key that a request shows, and where it stands.
//! - [`admit`]: the grant that it gives: by a key, a token, or the application.
//! - [`quota::Quota`]: how much its sender may still publish.
//! - [`rights::Rights`]: what the holder of a request may follow, read and publish.
//!
//! # Rules
//!
//! Whoever is refused learns no more than RFC 6750 says. The log has the rule.

pub(crate) mod admit;
pub(crate) mod credential;
pub(crate) mod quota;
pub(crate) mod rights;
