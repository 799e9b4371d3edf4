//! Streams and publishes over TLS, with rustls, curl and openssl on the other side.

#[path = "../support/mod.rs"]
mod support;

mod certificates;
mod commands;
mod connections;
mod refused;
