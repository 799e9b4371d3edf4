//! The cost of the history and its speed: streams that resume, live events beside them, the journal's reads, and its
//! appends.
//!
//! As in `fan_out` the sockets take everything at once, and nothing of the kernel is in here. Before a clock stops, the
//! sockets have taken all that is measured, and the bench asserts its number.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

mod append;
mod archive;
mod read;
mod resume;

use criterion::{criterion_group, criterion_main};
use fanfare_benches::settings;

criterion_group! {
    name = benches;
    config = settings();
    targets = resume::resume, resume::beside, read::read, append::append, append::keys
}
criterion_main!(benches);
