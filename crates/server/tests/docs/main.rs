//! The documentation is true: every command of README.md and docs runs, every example works, and every link leads
//! somewhere. docs/README.md says how a page tells the expected result of a command.

mod auth;
mod browser;
mod claims;
mod cookies;
mod desk;
mod hardening;
mod image;
mod kubernetes;
mod links;
mod messages;
mod network;
mod package;
mod page;
mod publishers;
mod react;
mod rehearsal;
mod site;
mod subscribers;
#[path = "../support/mod.rs"]
mod support;
mod tls;
mod tokens;
mod tree;
mod unit;
