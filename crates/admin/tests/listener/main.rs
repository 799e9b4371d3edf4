//! The admin listener on real sockets: what it answers, whom it refuses, and what it takes at most.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod api;
mod contract;
mod files;
mod limits;
mod metrics;
mod prometheus;
mod real;
mod streams;
