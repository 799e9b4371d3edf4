//! `fanfare serve --journal`: the effects of restarts, refused starts, full disks and damaged disks. Each test has its
//! own directory or small file system.

mod damage;
mod full_disk;
mod keys;
mod missing;
mod random_damage;
mod refusals;
mod restart;
mod settings;
mod start;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use support::{
    Process, fanfare,
    server::{Server, id},
};

impl Server {
    /// Starts a server with a journal on a free port.
    fn start(journal: &Path, flags: &[&str]) -> Self {
        Self::started(fanfare().args(["serve", "--listen", "127.0.0.1:0", "--journal"]).arg(journal).args(flags))
    }
}

/// Data of all events and gaps up to and with `last`.
fn data_until(stream: &mut Process, last: &str) -> Vec<String> {
    let mut data = Vec::new();
    loop {
        data.push(stream.line_with("data: ")["data: ".len()..].to_owned());
        if data.last().is_some_and(|data| data == last) {
            return data;
        }
    }
}
