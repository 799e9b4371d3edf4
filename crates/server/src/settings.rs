//! The settings of `fanfare serve`. [`Flags`] are those that an operator chooses: each is a flag, an environment variable and
//! a key of the file. The others are keys of `[limits]` in the file. What a setting says is checked by the same parser
//! wherever it comes from. The other modules below layer the sources, judge them together, show them, and make them what
//! the server takes.

mod connections;
mod derived;
mod environment;
mod events;
mod file;
mod filter;
mod flags;
mod history;
mod journal;
mod layers;
mod limits;
mod listen;
mod machine;
mod meaning;
mod memory;
mod redis;
#[cfg(test)]
mod reference;
mod report;
mod requests;
mod units;
mod value;

pub(crate) use self::{
    flags::Flags,
    layers::{Settings, variable_at_fault},
    limits::{names as limits, place as place_of_limit},
    listen::is_address,
    meaning::Serve,
    value::{duration, number, publisher_retry},
};
