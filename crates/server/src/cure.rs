//! [`with_cure`]: clap's error on a mistyped argument, with a tip on what to type instead. clap knows how names are
//! spelt. It does not know the names in other programs, nor the place of a channel.

use std::ffi::OsString;

use clap::{
    Command, Error,
    error::{ContextKind, ContextValue, ErrorKind},
};
use fanfare_http::nearest;

use crate::{
    harmless::harmless,
    meant::{TLS, TLS_NAMES, meant},
    settings::{is_address, limits, place_of_limit},
    url::Url,
};

/// Longest word that a tip repeats.
const SHOWN_MAX: usize = 80;

/// Content of a tip.
enum Tip {
    /// A flag of this name exists.
    Flag(String),
    Sentence(String),
}

/// Replacement for a flag that a command does not have.
#[derive(Clone, Copy)]
enum Instead {
    /// More lines in the log.
    Louder,
    /// Fewer lines.
    Quieter,
    Tls,
    Version,
    /// A part of the URL: the route, and a placeholder for the name if none was given.
    InUrl(&'static str, &'static str),
    Data,
    All,
}

/// Flags that people try, by command.
const INSTEAD: [(&str, &[&str], Instead); 10] = [
    ("serve", &["v", "vv", "verbose", "debug", "trace"], Instead::Louder),
    ("serve", &["q", "quiet", "silent"], Instead::Quieter),
    ("serve", &TLS_NAMES, Instead::Tls),
    ("serve", &["version"], Instead::Version),
    ("publish", &["c", "channel", "channels", "topic", "to"], Instead::InUrl("channels", "news")),
    ("publish", &["client", "client-id", "user"], Instead::InUrl("clients", "42")),
    ("publish", &["d", "m", "data", "data-raw", "data-binary", "message", "body", "text", "payload"], Instead::Data),
    ("publish", &["all", "broadcast"], Instead::All),
    ("publish", &["version"], Instead::Version),
    ("subscribe", &["version"], Instead::Version),
];

const SERVES: &str = "`fanfare` alone starts the server";
const PUBLISHES: &str = "'fanfare publish URL DATA' publishes an event";
const SUBSCRIBES: &str = "'fanfare subscribe URL' prints the events of a stream";
const CHECKS: &str = "'fanfare serve --check' checks the settings, and 'fanfare journal check PATH' a journal";
const MINTS: &str = "'fanfare token mint' makes a token, and 'fanfare token key' the key of a publisher";
const VERSION: &str = "'fanfare --version' prints the version";
/// Subcommands that people try.
const COMMANDS: [(&[&str], &str); 7] = [
    (&["start", "run", "server", "up", "launch", "daemon", "listen"], SERVES),
    (&["send", "post", "push", "emit", "pub", "broadcast"], PUBLISHES),
    (&["sub", "watch", "follow", "tail", "read", "receive", "stream", "sse", "events"], SUBSCRIBES),
    (&["check", "config", "validate"], CHECKS),
    (&["dump"], "'fanfare journal dump PATH' prints the events of a journal"),
    (&["mint", "jwt", "sign", "keygen"], MINTS),
    (&["version"], VERSION),
];

/// Adds to `error` a tip on what to type instead, if one is known. `command` is the built definition of the typed
/// command, and `arguments` stand behind it. Otherwise clap's own suggestion stays.
pub(crate) fn with_cure(mut error: Error, command: &Command, arguments: &[OsString]) -> Error {
    let Some(tip) = tip(&error, command, &Typed::new(arguments)) else { return error };
    for suggestion in [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::Suggested] {
        error.remove(suggestion);
    }
    match tip {
        Tip::Flag(flag) => error.insert(ContextKind::SuggestedArg, ContextValue::String(format!("--{flag}"))),
        Tip::Sentence(text) => {
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![harmless(&text).into()]))
        }
    };
    // clap's own usage has the flag that it would have suggested.
    error.insert(ContextKind::Usage, ContextValue::StyledStr(command.clone().render_usage()));
    error
}

fn tip(error: &Error, command: &Command, typed: &Typed) -> Option<Tip> {
    let sentence = |text: &str| Some(Tip::Sentence(text.to_owned()));
    match (error.kind(), error.get(ContextKind::InvalidArg), error.get(ContextKind::InvalidSubcommand)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(argument)), _) if argument.starts_with('-') => {
            instead_of_flag(argument, command, typed)
        }
        (ErrorKind::UnknownArgument, Some(ContextValue::String(argument)), _) => {
            instead_of_argument(argument, command, typed).map(Tip::Sentence)
        }
        (ErrorKind::InvalidSubcommand, _, Some(ContextValue::String(name))) => {
            instead_of_command(name, command).map(Tip::Sentence)
        }
        (ErrorKind::MissingRequiredArgument, Some(ContextValue::Strings(missing)), _) => match missing.as_slice() {
            [url, ..] if url == "<URL>" => sentence("write the whole URL, as in http://127.0.0.1:3000"),
            [path] if path == "<PATH>" => sentence("give the directory that the server was given with --journal"),
            _ => None,
        },
        _ => None,
    }
}

fn instead_of_flag(flag: &str, command: &Command, typed: &Typed) -> Option<Tip> {
    let name = flag.trim_start_matches('-');
    let sentence = |text: &str| Some(Tip::Sentence(text.to_owned()));
    if flag == "-V" {
        return sentence(VERSION);
    }
    if command.get_name() == "serve" && name.bytes().all(|byte| byte.is_ascii_digit()) {
        return sentence("no setting takes a negative number");
    }
    let rows = INSTEAD.iter().filter(|(of, ..)| *of == command.get_name());
    let others = rows.clone().flat_map(|(_, names, _)| names.iter().copied());
    let flags = command.get_arguments().filter_map(|arg| arg.get_long());
    let limits = if command.get_name() == "serve" { limits() } else { Vec::new() };
    if limits.iter().any(|limit| limit == name) {
        return Some(Tip::Sentence(format!("it is {}", place_of_limit(name))));
    }
    let names = flags.chain(limits.iter().map(String::as_str)).chain(others.clone());
    let found = others.clone().find(|other| *other == name).or_else(|| meant(name, names))?;
    if limits.iter().any(|limit| limit == found) {
        return Some(Tip::Sentence(format!("the nearest is {}", place_of_limit(found))));
    }
    let Some((.., instead)) = rows.clone().find(|(_, names, _)| names.contains(&found)) else {
        if found == "listen" && nearest(name, ["listen"]).is_none() {
            return sentence("address and port are one setting, as in '--listen 3001' or '--listen 0.0.0.0:3001'");
        }
        return Some(Tip::Flag(found.to_owned()));
    };
    match *instead {
        Instead::Louder => sentence("'--log debug' logs more"),
        Instead::Quieter => sentence("'--log warn' logs less"),
        Instead::Tls => sentence(TLS),
        Instead::Version => sentence(VERSION),
        Instead::InUrl(route, name) => {
            let (url, name) = (typed.url(), typed.value_of(flag).unwrap_or_else(|| name.to_owned()));
            let what = route.trim_end_matches('s');
            Some(Tip::Sentence(format!("the {what} stands in the URL: {}", url.below(route, &name))))
        }
        Instead::Data => sentence("the data is an argument of its own: fanfare publish URL 'hello'"),
        Instead::All => sentence("a URL without a path is for all: fanfare publish http://127.0.0.1:3000 'hello'"),
    }
}

fn instead_of_argument(argument: &str, command: &Command, typed: &Typed) -> Option<String> {
    match command.get_name() {
        "serve" => {
            instead_of_setting(argument).or_else(|| Some("each setting is a flag: --help lists them".to_owned()))
        }
        "publish" => {
            let data = typed.positionals(command).into_iter().skip(1).collect::<Vec<_>>().join(" ");
            let quoted = format!("'{}'", data.replace('\'', r"'\''"));
            let shown = if quoted.chars().count() > SHOWN_MAX { "'...'" } else { &quoted };
            Some(format!("put the data in quotes: {shown}"))
        }
        "subscribe" => Some(format!("a channel is given with a flag: --channel {argument}")),
        _ => None,
    }
}

/// Advice on an address or a file without a flag.
fn instead_of_setting(argument: &str) -> Option<String> {
    if is_address(argument) {
        return Some(format!("--listen {argument}"));
    }
    argument.ends_with(".toml").then(|| format!("--config {argument}"))
}

fn instead_of_command(name: &str, command: &Command) -> Option<String> {
    match command.get_name() {
        "fanfare" => {}
        "journal" if name.contains('/') => return Some(format!("'fanfare journal check {name}' checks it")),
        _ => return None,
    }
    if name.contains("://") {
        return Some(format!("{SUBSCRIBES}, and {PUBLISHES}"));
    }
    if let Some(setting) = instead_of_setting(name) {
        return Some(setting);
    }
    let others = COMMANDS.iter().flat_map(|(names, _)| names.iter().copied());
    let real = command.get_subcommands().map(Command::get_name);
    let found = others.clone().find(|other| *other == name).or_else(|| nearest(name, real.chain(others)))?;
    COMMANDS.iter().find(|(names, _)| names.contains(&found)).map(|(_, text)| (*text).to_owned())
}

/// The arguments behind the name of a command.
struct Typed(Vec<String>);

impl Typed {
    fn new(arguments: &[OsString]) -> Self {
        Self(arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect())
    }

    /// The arguments that are neither flags of `command` nor their values.
    fn positionals(&self, command: &Command) -> Vec<&str> {
        let takes_value = |flag: &str| {
            let is_it = |arg: &&clap::Arg| match flag.strip_prefix("--") {
                Some(long) => arg.get_long() == Some(long),
                None => flag
                    .strip_prefix('-')
                    .is_some_and(|short| arg.get_short().map(String::from).as_deref() == Some(short)),
            };
            command.get_arguments().find(is_it).is_some_and(|arg| arg.get_action().takes_values())
        };
        let (mut positionals, mut arguments) = (Vec::new(), self.0.iter().map(String::as_str));
        while let Some(argument) = arguments.next() {
            match argument {
                "--" => positionals.extend(arguments.by_ref()),
                flag if flag.len() > 1 && flag.starts_with('-') => {
                    if takes_value(flag) {
                        arguments.next();
                    }
                }
                positional => positionals.push(positional),
            }
        }
        positionals
    }

    /// The first URL, or an example of one.
    fn url(&self) -> Url {
        self.0.iter().find_map(|argument| Url::parse(argument).ok()).unwrap_or_else(Url::example)
    }

    /// The value of `flag`.
    fn value_of(&self, flag: &str) -> Option<String> {
        let at = self.0.iter().position(|argument| argument.split('=').next() == Some(flag))?;
        let value =
            self.0[at].split_once('=').map(|(_, value)| value).or_else(|| self.0.get(at + 1).map(String::as_str))?;
        let is_value = !value.is_empty() && !value.starts_with('-') && value.len() <= SHOWN_MAX;
        is_value.then(|| value.to_owned())
    }
}
