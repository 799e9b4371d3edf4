//! [`Settings`]: the values from defaults, file, environment and flags, and the source of each. The command line is
//! read twice. The second time, the file's values are its defaults, so that every source has the same parsers.

use std::{
    env,
    error::Error as _,
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::{
    Arg, ArgAction, ArgMatches, Args as _, Command, FromArgMatches as _,
    builder::OsStr,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};

use super::{
    environment,
    file::{self, Contents, Entry, Key, Known, NOT_IN_A_FILE, Place},
    flags::Flags,
    held::{Held, Said},
    issuer::{self, Issuer},
    limits::{self, Limits},
    machine,
    meaning::{AdminPlan, Serve},
    memory::Memory,
};

/// The source of a setting that nobody has set.
const DEFAULT: &str = "default";

/// All settings, each with its source.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) serve: Serve,
    /// The address of --listen, unless it is off.
    pub(crate) listen: Option<SocketAddr>,
    /// The address for https, if there is a certificate.
    pub(crate) listen_tls: Option<SocketAddr>,
    /// The address for operators, unless it is off.
    pub(crate) listen_admin: Option<SocketAddr>,
    /// A sentence for each environment variable that looks like a setting and is none.
    pub(crate) unread: Vec<String>,
    pub(super) flags: Vec<Sourced>,
    pub(super) limits: Vec<Sourced>,
    /// Those of each issuer of the file.
    pub(super) issuers: Vec<Vec<Sourced>>,
    pub(super) origin: Origin,
}

/// Where settings come from.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// The definition of the flags.
    flags: Command,
    /// The path of the file.
    file: Option<PathBuf>,
    arguments: Vec<OsString>,
    /// The names of all environment variables that the command knows.
    variables: Vec<String>,
    held: Held,
}

/// One setting as it was given. There are no values if nobody gave one and there is no fixed default.
#[derive(Clone, Debug)]
pub(super) struct Sourced {
    pub(super) key: String,
    pub(super) values: Vec<String>,
    pub(super) is_list: bool,
    pub(super) is_secret: bool,
    pub(super) source: &'static str,
    /// The default as its help tells it, if it is not a fixed one.
    pub(super) told_default: Option<String>,
}

impl Settings {
    /// Adds the file that `typed` names. `arguments` are those that `typed` was read from. `all` is the definition of
    /// the whole command, which names the known environment variables. `held`: where sockets were given that listen.
    ///
    /// # Errors
    /// A sentence on the file, on a variable, or on settings that do not go together.
    pub(crate) fn new(typed: &Flags, arguments: &[OsString], all: &Command, held: Held) -> Result<Self, String> {
        let flags = Flags::augment_args(Command::new("serve").no_binary_name(true));
        Self::read(Origin::new(flags, typed, arguments, all, held))
    }

    /// The same for another command. Its definition has those flags, and more.
    ///
    /// # Errors
    /// As of [`Settings::new`].
    pub(crate) fn of(flags: Command, typed: &Flags, arguments: &[OsString], all: &Command) -> Result<Self, String> {
        Self::read(Origin::new(flags, typed, arguments, all, Held::default()))
    }

    /// The same settings, with the file as it is now.
    ///
    /// # Errors
    /// As of [`Settings::new`].
    pub(crate) fn again(&self) -> Result<Self, String> {
        Self::read(self.origin.clone())
    }

    /// What the admin listener needs.
    ///
    /// # Errors
    /// A sentence, which [`Settings::new`] has found before.
    pub(crate) fn admin(&self) -> Result<AdminPlan, String> {
        let is_set = self.flags.iter().any(|sourced| sourced.key == "admin" && sourced.source != DEFAULT);
        let is_held = self.origin.held.admin.is_some();
        Ok(AdminPlan { listen: self.listen_admin, is_set: is_set || is_held, admin: self.serve.admin()? })
    }

    fn read(origin: Origin) -> Result<Self, String> {
        let Origin { flags, file, arguments, variables, held } = &origin;
        let limits = limits::definition();
        let limit_names = limits::names();
        environment::refuse_limits(env::vars_os(), &limit_names)?;
        let of_issuers = issuer::definition();
        let Contents { entries, issuers: tables } = match file {
            Some(path) => from_file(path, flags, &limits, &of_issuers)?,
            None => Contents::default(),
        };
        // No error is expected: the command line and environment have been read once, the file's values one by one.
        let of_flags = matches(flags, &entries, arguments)?;
        let of_limits = matches(&limits, &entries, &[])?;
        let typed = Flags::from_arg_matches(&of_flags).map_err(|error| why(&error))?;
        let mut issuers = Vec::new();
        let mut sourced_issuers = Vec::new();
        for table in &tables {
            let of_table = matches(&of_issuers, table, &[])?;
            issuers.push(Issuer::from_arg_matches(&of_table).map_err(|error| why(&error))?);
            sourced_issuers.push(sourced(&of_issuers, &of_table, table));
        }
        let mut serve = Serve {
            limits: Limits::from_arg_matches(&of_limits).map_err(|error| why(&error))?,
            memory: Memory::new(typed.memory, machine::room),
            flags: typed,
            issuers,
            is_local: false,
        };
        serve.flags.tls.check(&serve.flags.listen)?;
        let listen_tls = match serve.flags.tls.listen(&serve.flags.listen) {
            Some(listen) => listen.resolve("--listen-tls")?,
            None => None,
        };
        let (flags, limits) = (sourced(flags, &of_flags, &entries), sourced(&limits, &of_limits, &entries));
        let is_set = |key: &str| flags.iter().any(|sourced| sourced.key == key && sourced.source != DEFAULT);
        let listen = Said {
            flag: "--listen",
            address: serve.flags.listen.resolve("--listen")?,
            is_set: is_set("listen"),
            off: "it is off",
        };
        let listen_tls = Said {
            flag: "--listen-tls",
            address: listen_tls,
            is_set: is_set("listen-tls"),
            off: "there is no certificate",
        };
        let listen_admin = Said {
            flag: "--admin",
            address: serve.flags.admin.admin.resolve("--admin")?,
            is_set: is_set("admin"),
            off: "it is off",
        };
        let (listen, listen_tls) = (listen.or_held(held.plain)?, listen_tls.or_held(held.tls)?);
        let listen_admin = listen_admin.or_held(held.admin)?;
        serve.flags.admin.check(listen_admin)?;
        serve.is_local = is_local(&[listen, listen_tls]);
        serve.check(&[listen, listen_tls])?;
        let unread = environment::unread(env::vars_os(), variables, &limit_names);
        Ok(Self { serve, listen, listen_tls, listen_admin, unread, flags, limits, issuers: sourced_issuers, origin })
    }
}

impl Origin {
    fn new(flags: Command, typed: &Flags, arguments: &[OsString], all: &Command, held: Held) -> Self {
        let variables = variables(all).into_iter().map(str::to_owned).collect();
        Self { flags, file: typed.config.clone(), arguments: arguments.to_vec(), variables, held }
    }
}

/// All settings of a definition with their sources. A changed argument moves to the end, so these have its order.
fn sourced(command: &Command, matches: &ArgMatches, entries: &[Entry]) -> Vec<Sourced> {
    settings(command).map(|arg| Sourced::new(arg, matches, entries)).collect()
}

/// Whether only this machine can connect to any listener.
pub(super) fn is_local(listen: &[Option<SocketAddr>]) -> bool {
    listen.iter().flatten().all(|listen| listen.ip().to_canonical().is_loopback())
}

/// Reads the command line with the file's values as defaults.
fn matches(command: &Command, entries: &[Entry], arguments: &[OsString]) -> Result<ArgMatches, String> {
    let layered = entries.iter().fold(command.clone(), with_default);
    layered.try_get_matches_from(arguments).map_err(|error| why(&error))
}

impl Sourced {
    fn new(arg: &Arg, matches: &ArgMatches, entries: &[Entry]) -> Self {
        let id = arg.get_id().as_str();
        let key = key(arg).to_owned();
        let source = match matches.value_source(id) {
            Some(ValueSource::CommandLine) => "flag",
            Some(ValueSource::EnvVariable) => "environment",
            _ if entries.iter().any(|entry| entry.key == key) => "file",
            _ => DEFAULT,
        };
        let values = match matches.try_get_one::<bool>(id) {
            Ok(is) => is.map(ToString::to_string).into_iter().collect(),
            Err(_) => {
                let raw = matches.get_raw(id).into_iter().flatten();
                raw.map(|value| value.to_string_lossy().into_owned()).collect()
            }
        };
        Self { key, values, is_list: is_list(arg), is_secret: is_secret(arg), source, told_default: told_default(arg) }
    }
}

/// The arguments that are settings.
fn settings(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| arg.get_long().is_some_and(|long| !NOT_IN_A_FILE.contains(&long)))
}

/// The environment variables that `command` and its subcommands read.
fn variables(command: &Command) -> Vec<&str> {
    let own = command.get_arguments().filter_map(|arg| arg.get_env()?.to_str());
    own.chain(command.get_subcommands().flat_map(variables)).collect()
}

fn key(arg: &Arg) -> &str {
    arg.get_long().unwrap_or_default()
}

pub(super) fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// The text behind `default:` at the end of the first paragraph of the help.
pub(super) fn told_default(arg: &Arg) -> Option<String> {
    let help = arg.get_help()?.to_string();
    let (_, default) = help.split_once(" [default: ")?;
    Some(default.trim_end_matches(['.', ']']).to_owned())
}

fn is_secret(arg: &Arg) -> bool {
    arg.is_hide_env_values_set()
}

fn from_file(path: &Path, flags: &Command, limits: &Command, issuers: &Command) -> Result<Contents, String> {
    let keys = |command, place| {
        settings(command).map(move |arg| Key {
            name: key(arg).to_owned(),
            place,
            is_list: is_list(arg),
            is_secret: is_secret(arg),
        })
    };
    let of_limits = keys(limits, Place::Limits);
    let keys: Vec<_> = keys(flags, Place::Top).chain(of_limits).chain(keys(issuers, Place::Issuer)).collect();
    let contents = file::read(path, &Known { keys: &keys })?;
    // Each value is read alone, so that an error is the file's and not the command line's.
    let alone = flags.clone().mut_args(|arg| arg.env(None::<&'static str>));
    for entry in &contents.entries {
        let is_limit = keys.iter().any(|known| known.place == Place::Limits && known.name == entry.key);
        check_values(path, if is_limit { limits } else { &alone }, entry)?;
    }
    contents.issuers.iter().flatten().try_for_each(|entry| check_values(path, issuers, entry))?;
    Ok(contents)
}

fn check_values(path: &Path, command: &Command, Entry { key, values, line }: &Entry) -> Result<(), String> {
    values.iter().try_for_each(|value| {
        let parsed = command.clone().try_get_matches_from([format!("--{key}={value}")]);
        let wrong = |error: clap::Error| {
            format!("{}, line {line}: {key} = {}: {}", path.display(), file::literal(value), why(&error))
        };
        parsed.map(drop).map_err(wrong)
    })
}

fn with_default(command: Command, entry: &Entry) -> Command {
    let id = settings(&command).find(|arg| key(arg) == entry.key).map(|arg| arg.get_id().clone());
    match id {
        Some(id) => command.mut_arg(id, |arg| arg.default_values(entry.values.iter().map(OsStr::from))),
        None => command,
    }
}

/// The reason why a value is wrong, without the rest of clap's message.
fn why(error: &clap::Error) -> String {
    if let (ErrorKind::InvalidValue, Some(ContextValue::Strings(values))) =
        (error.kind(), error.get(ContextKind::ValidValue))
        && !values.is_empty()
    {
        return format!("must be one of {}", values.join(", "));
    }
    match error.source() {
        Some(reason) => reason.to_string(),
        None => {
            let text = error.to_string();
            text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    }
}

/// The environment variable whose value clap has refused.
pub(crate) fn variable_at_fault(error: &clap::Error) -> Option<String> {
    let (Some(ContextValue::String(arg)), Some(ContextValue::String(value))) =
        (error.get(ContextKind::InvalidArg), error.get(ContextKind::InvalidValue))
    else {
        return None;
    };
    let long = arg.strip_prefix("--")?.split([' ', '=', '[']).next()?;
    let command = Flags::augment_args(Command::new("serve"));
    let arg = command.get_arguments().find(|arg| arg.get_long() == Some(long))?;
    let name = arg.get_env()?.to_str()?;
    let given = env::var(name).ok()?;
    (given == *value || is_list(arg)).then(|| name.to_owned())
}
