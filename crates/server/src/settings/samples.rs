//! Settings for tests.

use clap::{Args as _, Command, FromArgMatches};

use super::{
    flags::Flags,
    issuer::{self, Issuer},
    layers::is_local,
    limits,
    meaning::Serve,
    memory::Memory,
};

fn parsed<T: FromArgMatches>(command: Command, arguments: &[&str]) -> T {
    let command = command.mut_args(|arg| arg.env(None::<&'static str>));
    T::from_arg_matches(&command.try_get_matches_from(arguments).unwrap()).unwrap()
}

/// Settings with these flags, these limits, and 2GiB of memory.
pub(super) fn serve(flags: &[&str], limits: &[&str]) -> Serve {
    let command = Flags::augment_args(Command::new("serve").no_binary_name(true));
    let (flags, limits) = (parsed::<Flags>(command, flags), parsed(limits::definition(), limits));
    let memory = Memory::new(flags.memory.or(Some(2 << 30)), || None);
    let is_local = is_local(&[flags.listen.resolve("--listen").unwrap()]);
    Serve { flags, limits, memory, issuers: Vec::new(), is_local }
}

/// A table `[[issuer]]` with these keys.
pub(super) fn issuer(keys: &[&str]) -> Issuer {
    parsed(issuer::definition(), keys)
}
