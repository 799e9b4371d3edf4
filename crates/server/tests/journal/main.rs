//! `fanfare serve --journal`: what a restart keeps, where a server refuses to start, and what a full or a damaged disk
//! does. Each test has a directory, or a small file system, of its own.

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
    /// With a journal, on a free port.
    fn start(journal: &Path, flags: &[&str]) -> Self {
        Self::started(fanfare().args(["serve", "--listen", "127.0.0.1:0", "--journal"]).arg(journal).args(flags))
    }
}

/// Everything up to and with `last`, the data of events and gaps.
fn data_until(stream: &mut Process, last: &str) -> Vec<String> {
    let mut data = Vec::new();
    loop {
        data.push(stream.line_with("data: ")["data: ".len()..].to_owned());
        if data.last().is_some_and(|data| data == last) {
            return data;
        }
    }
}
