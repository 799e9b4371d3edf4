//! Contents of answers.
//!
//! # Nouns
//!
//! - [`problem::Problem`]: an error as the client sees it. It alone maps errors to statuses.
//!
//! # Files
//!
//! - [`body::Body`]: the body of every answer, which hyper polls.
//! - [`refusal::Refused`]: the reason of an error, on its way to the log.
//! - [`excerpt::Excerpt`]: a page of history on its way out.
//! - [`piece::Pieces`]: the messages of a stream that hyper carries.
//! - [`page`]: the demo page.
//!
//! # Rules
//!
//! Nothing here reads a request or publishes.

pub(crate) mod body;
pub(crate) mod excerpt;
pub(crate) mod page;
pub(crate) mod piece;
pub(crate) mod problem;
pub(crate) mod refusal;
