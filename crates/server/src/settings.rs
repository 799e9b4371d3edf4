//! The settings of `fanfare serve`. [`Flags`] are for operators: each is a flag, an environment variable and a key of
//! the file. The other settings are keys of `[limits]` in the file. Each value has one parser for all its sources. The
//! other modules layer the sources, check the settings together, print them, and convert them for the server.

mod access;
mod admin;
mod application;
mod callers;
mod changes;
mod config;
mod connections;
mod derived;
mod environment;
mod events;
mod file;
mod filter;
mod flags;
mod held;
mod history;
mod issuer;
mod journal;
mod layers;
mod limits;
mod listen;
mod machine;
mod meaning;
mod memory;
mod most;
mod proxies;
mod redirect;
mod redis;
#[cfg(test)]
mod reference;
mod report;
mod requests;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod template;
mod tls;
mod units;
mod value;

pub(crate) use self::{
    access::Plan as AccessPlan,
    application::ApplicationPlan,
    changes::{Change, Part},
    flags::{Flags, LogFormat},
    held::Held,
    issuer::{IssuerPlan, is_of_this_machine},
    layers::{Settings, variable_at_fault},
    limits::{names as limits, place as place_of_limit},
    listen::is_address,
    meaning::AdminPlan,
    meaning::Serve,
    tls::{Plan, Sources},
    value::{duration, number, publisher_retry},
};
