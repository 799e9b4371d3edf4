//! Servers that are started for the load generator: the floor, brokers of others, and all of them in a comparison.
#![cfg(target_os = "linux")]

mod compare;
mod floor;
mod peers;
mod site;
mod started;
mod transports;
