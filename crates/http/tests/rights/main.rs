//! Who may do what: tokens, keys, public channels, and the application that decides, on every route.

#[path = "../support/mod.rs"]
mod support;

mod application;
mod credentials;
mod ends;
mod publishing;
mod reading;
