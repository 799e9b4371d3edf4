//! Servers that are started for the load generator: the floor, brokers of others, and all of them in a comparison.
#![cfg(target_os = "linux")]

mod abuse;
mod certificates;
mod compare;
mod compare_transports;
mod floor;
mod floor_transports;
mod handshakes;
mod peers;
mod rolling;
mod site;
mod started;
mod transports;
