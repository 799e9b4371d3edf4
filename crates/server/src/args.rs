//! The command line: the subcommands, and the flags of the clients. The settings of `serve` are in `settings`. No other
//! code reads the environment or the command line.

mod examples;
mod explain;
mod operate;
mod sendable;
mod token;

use std::{
    env,
    ffi::{OsStr, OsString},
    io::{Write as _, stderr},
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use clap::{
    Args as _, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum,
    builder::NonEmptyStringValueParser,
};
use fanfare_core::NAME_BYTES_MAX;

pub(crate) use self::explain::Explain as ExplainArgs;
pub(crate) use self::operate::{Journal, JournalCommand, UpgradeArgs};
pub(crate) use self::token::{Allows, Key as KeyArgs, Life, Mint as MintArgs};
use self::{
    examples::{
        EXAMPLES, EXPLAIN_EXAMPLES, JOURNAL_EXAMPLES, PUBLISH_EXAMPLES, SERVE_EXAMPLES, SUBSCRIBE_EXAMPLES,
        TOKEN_EXAMPLES, UPGRADE_EXAMPLES,
    },
    sendable::sendable,
    token::{Explain, Token, TokenCommand},
};
use crate::{
    client::Reach,
    cure::with_cure,
    failure::Failure,
    settings::{Flags, Settings, duration, number, publisher_retry, variable_at_fault},
    sockets::Given,
    url::Url,
};

/// Shortest wait that a client flag allows.
const MS: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(86_400);

/// Fanfare: publish an event once over HTTP, and every open event stream gets it.
///
/// Without a subcommand it serves: `fanfare --clock 2s` is `fanfare serve --clock 2s`.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXAMPLES, subcommand_required = true)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve event streams and take publishes (the default).
    ///
    /// Every setting is a flag, an environment variable, and a key of the file that --config names. A flag overrides the
    /// environment, the environment overrides the file, and the file overrides the default. The file may also have limits,
    /// which docs/settings.md lists.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Box<Flags>),
    /// Publish one event, or a batch of them, and print the server's answer.
    ///
    /// The data is DATA, the file, or standard input, and may be any bytes. The exit code is 1 if the server refuses or does
    /// not answer in time. If the server ends a batch early, for instance because it is stopped, the error says how many
    /// lines were published.
    #[command(after_help = PUBLISH_EXAMPLES)]
    Publish(Box<Publish>),
    /// Print the events of a stream as they come.
    ///
    /// The command reconnects as a browser does, from the last event that it has seen. It also does so when the server cannot
    /// be reached or the stream is dead. Where events are missing, it prints an event of the type fanfare.gap, and standard
    /// error says why. Standard error also has what the server says of the request, for instance that it ignores a parameter.
    ///
    /// The command ends when the server answers 204, at Ctrl-C, or when nobody reads its output any more. The exit code is 1
    /// if the server refuses. The statuses 408, 429, 502, 503 and 504 are no refusals if a stream has been open before, or if
    /// the answer has a Retry-After. The command then waits for that time (at most 5 minutes), or as before any reconnect,
    /// and tries again. Before the first stream, such an answer without Retry-After ends the command, because the URL may be
    /// wrong.
    #[command(after_help = SUBSCRIBE_EXAMPLES)]
    Subscribe(Box<Subscribe>),
    /// Make and explain tokens, and make keys of publishers.
    #[command(after_help = TOKEN_EXAMPLES)]
    Token(Box<Token>),
    /// Have a running server start its program anew, without a refused connection, and wait for the outcome.
    ///
    /// The new process has the same arguments and environment. It takes the listening sockets over, and the old one drains. If the
    /// new one cannot serve, the old one goes on. The exit code is 1 then.
    #[command(after_help = UPGRADE_EXAMPLES)]
    Upgrade(UpgradeArgs),
    /// Write man pages and completions for bash, zsh and fish into a directory.
    #[command(hide = true)]
    Pages {
        /// The directory gets `man` and `completions`.
        directory: PathBuf,
    },
    /// Say what became of an event for a client: written, waiting, dropped, told in a gap, or why it never came.
    ///
    /// The command asks the admin listener of the server. The id of an event is in the answer to its publish. The server knows the
    /// last events and the last connections, also those that are closed.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(Box<ExplainArgs>),
    /// Look at a journal on disk, also while a server has it open.
    #[command(after_help = JOURNAL_EXAMPLES)]
    Journal(Journal),
}

/// The task that the command line asks for.
#[derive(Debug)]
pub(crate) enum Task {
    /// With the sockets that were given.
    Serve(Box<Settings>, Given),
    Publish(Box<Publish>),
    Subscribe(Box<Subscribe>),
    Journal(Journal),
    Token(Box<TokenTask>),
    Explain(Box<ExplainArgs>),
    Upgrade(UpgradeArgs),
    /// Into this directory, from this definition of the command line.
    Pages(PathBuf, Box<clap::Command>),
}

/// What `fanfare token` is to do.
#[derive(Debug)]
pub(crate) enum TokenTask {
    Mint(MintArgs),
    Key(KeyArgs),
    /// Judges the token, or the one on standard input, by these settings.
    Explain {
        token: Option<String>,
        settings: Box<Settings>,
    },
}

/// Arguments of `fanfare publish`.
#[derive(Debug, clap::Args)]
pub(crate) struct Publish {
    /// The server, or a route on it. A URL without a path means `/broadcast`, and with --ndjson `/publish`.
    #[arg(value_parser = Url::parse)]
    url: Url,

    /// The data. Without it, the data is read from --file or from standard input. Data that begins with a dash goes after --.
    #[arg(conflicts_with_all = ["file", "ndjson"])]
    pub(crate) data: Option<OsString>,

    /// Read the data from this file; - is standard input.
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Publish a batch. Each line is an event that says where it goes, and is sent as soon as it is whole. The URL has no
    /// path, or one that ends with /publish.
    #[arg(long, conflicts_with_all = ["event", "id", "retry", "wait", "idempotency_key"])]
    pub(crate) ndjson: bool,

    /// The event type, which pages listen for by name.
    #[arg(long, short, value_name = "TYPE", value_parser = NonEmptyStringValueParser::new())]
    event: Option<String>,

    /// The event gets this id instead of one of the server's.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    id: Option<String>,

    /// Clients are told to wait for this time before they reconnect: 100ms to 24h.
    #[arg(long, value_name = "DURATION", value_parser = publisher_retry)]
    retry: Option<u64>,

    /// The server answers only when it knows exactly what became of the event.
    #[arg(long, value_name = "WHAT", value_enum)]
    wait: Option<Wait>,

    /// A publish that repeats this key gets the first answer again and publishes nothing.
    #[arg(long, value_name = "KEY", value_parser = idempotency_key)]
    pub(crate) idempotency_key: Option<String>,

    /// The server's publish key, or a key of --api-keys.
    #[arg(long, env = "FANFARE_PUBLISH_KEY", value_name = "KEY", hide_env_values = true)]
    key: Option<String>,

    /// The token that allows it. FANFARE_TOKEN is a better place than the flag.
    #[arg(long, env = "FANFARE_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,

    /// The type of the data [default: for images from the name of the file, otherwise from the data].
    #[arg(long, value_name = "TYPE", value_parser = header_text)]
    pub(crate) content_type: Option<String>,

    /// With --ndjson, send an empty line after this time of silent input, because servers end a silent batch.
    #[arg(long, value_name = "DURATION", default_value = "10s", requires = "ndjson", conflicts_with = "data")]
    #[arg(value_parser = duration(MS, DAY))]
    pub(crate) keep_alive: Duration,

    #[command(flatten)]
    pub(crate) reach: Reach,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Wait {
    /// The server has tried every stream that should get the event.
    Written,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Heartbeat {
    /// The position of the stream, as an event id.
    Cursor,
}

/// Arguments of `fanfare subscribe`.
#[derive(Debug, clap::Args)]
pub(crate) struct Subscribe {
    /// The event stream. Without a path it is `/sse`.
    #[arg(value_parser = Url::parse)]
    url: Url,

    /// Print each event as a line of JSON: {"id","event","data"}; `id` is null for an event without one.
    #[arg(long)]
    pub(crate) json: bool,

    /// The stream follows this channel. The flag may be given several times.
    #[arg(long = "channel", short, value_name = "NAME")]
    channels: Vec<String>,

    /// The stream also gets the events for this client id.
    #[arg(long, value_name = "ID")]
    id: Option<String>,

    /// Begin in the past, as far back as the server keeps events.
    ///
    /// WHEN is a duration back (10m), a time (RFC 3339, or Unix seconds or milliseconds), an event id, or one of earliest,
    /// all and latest. After the first event, a reconnect goes on from the last event.
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,

    /// Begin after this event, as a client does that has seen it. This flag overrides --since.
    #[arg(long, value_name = "ID", value_parser = header_text)]
    pub(crate) last_event_id: Option<String>,

    /// The server sends this in silence instead of a comment.
    ///
    /// With cursor it is the position of the stream, which also comes at the beginning. A reconnect then misses nothing even
    /// before the first event. The position is not printed.
    #[arg(long, value_name = "WHAT", value_enum)]
    heartbeat: Option<Heartbeat>,

    /// End after this many events. Events of the server itself, whose types begin with fanfare., do not count.
    #[arg(long, short = 'n', value_name = "N", value_parser = number(1, u64::MAX))]
    pub(crate) max_events: Option<u64>,

    /// Reconnect after this time of silence [default: the time of three heartbeats, but at least 45s].
    ///
    /// Without this flag, a stream that has sent neither a comment nor an id may be silent for ever, unless TCP finds that the
    /// network is gone.
    #[arg(long, value_name = "DURATION", value_parser = duration(MS, DAY))]
    pub(crate) silence_timeout: Option<Duration>,

    /// The token that allows it. FANFARE_TOKEN is a better place than the flag.
    #[arg(long, env = "FANFARE_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,

    #[command(flatten)]
    pub(crate) reach: Reach,
}

/// The places of a token, for errors.
const TOKEN: &str = "--token (FANFARE_TOKEN)";

/// Parses text that can be a header.
fn header_text(text: &str) -> Result<String, String> {
    let is_legal = !text.is_empty() && !text.chars().any(char::is_control);
    is_legal.then(|| text.to_owned()).ok_or_else(|| "must not be empty or hold control characters".to_owned())
}

/// Parses a key that the server receives unchanged. HTTP would remove blanks at its ends.
fn idempotency_key(text: &str) -> Result<String, String> {
    let text = header_text(text)?;
    if text.len() > NAME_BYTES_MAX {
        return Err(format!("must have at most {NAME_BYTES_MAX} bytes"));
    }
    if text.starts_with(' ') || text.ends_with(' ') {
        return Err("must not begin or end with a space".to_owned());
    }
    Ok(text)
}

/// Reads the command line, the environment and the file. Answers `--help`, `--version` and mistyped arguments itself.
///
/// # Errors
/// A sentence on the settings.
pub(crate) fn read() -> Result<Task, Failure> {
    let arguments = with_subcommand(env::args_os().collect());
    let parsed = definition().try_get_matches_from(&arguments).and_then(|matches| Args::from_arg_matches(&matches));
    let args = parsed.unwrap_or_else(|error| {
        let mut all = definition();
        all.build();
        let (command, arguments) = subcommand(&all, &arguments[1..]);
        let error = with_cure(error, command, arguments);
        let _ = error.print();
        if let Some(name) = variable_at_fault(&error) {
            let _ = writeln!(stderr(), "It comes from the environment variable {name}.");
        }
        process::exit(error.exit_code())
    });
    match args.command {
        Command::Serve(typed) => {
            let given = Given::to_this_process().map_err(Failure::usage)?;
            // The arguments after the program's name and the subcommand.
            let settings = |held| Settings::new(&typed, &arguments[2..], &Args::command(), held);
            let settings = given.held().and_then(settings).map_err(|reason| {
                given.tell_failure(&reason);
                Failure::usage(reason)
            })?;
            Ok(Task::Serve(Box::new(settings), given))
        }
        Command::Publish(publish) => Ok(Task::Publish(publish)),
        Command::Subscribe(subscribe) => Ok(Task::Subscribe(subscribe)),
        Command::Journal(journal) => Ok(Task::Journal(journal)),
        Command::Explain(explain) => Ok(Task::Explain(explain)),
        Command::Upgrade(upgrade) => Ok(Task::Upgrade(upgrade)),
        Command::Pages { directory } => Ok(Task::Pages(directory, Box::new(definition()))),
        Command::Token(token) => Ok(Task::Token(Box::new(token_task(*token, &arguments[3..])?))),
    }
}

/// What to do about tokens. `arguments` stand behind the name of the subcommand.
fn token_task(token: Token, arguments: &[OsString]) -> Result<TokenTask, Failure> {
    match token.command {
        TokenCommand::Mint(mint) => Ok(TokenTask::Mint(mint)),
        TokenCommand::Key(key) => Ok(TokenTask::Key(key)),
        TokenCommand::Explain(explain) => {
            let definition = Explain::augment_args(clap::Command::new("explain").no_binary_name(true));
            let settings = Settings::of(definition, &explain.flags, arguments, &Args::command());
            Ok(TokenTask::Explain { token: explain.token, settings: Box::new(settings.map_err(Failure::usage)?) })
        }
    }
}

/// The definition of the whole command. `token explain` takes every setting of a server, and shows those that count for tokens.
fn definition() -> clap::Command {
    let shown = ["Configuration", "Who may do what"];
    let hide = |arg: clap::Arg| {
        let heading = arg.get_help_heading();
        let is_shown = arg.get_id() != "check" && heading.is_none_or(|heading| shown.contains(&heading));
        if is_shown { arg } else { arg.hide(true) }
    };
    let explain = move |explain: clap::Command| explain.mut_args(hide);
    Args::command().mut_subcommand("token", |token| token.mut_subcommand("explain", explain))
}

/// The definition of the subcommand that `arguments` begin with, and the arguments behind its name.
fn subcommand<'a>(command: &'a clap::Command, arguments: &'a [OsString]) -> (&'a clap::Command, &'a [OsString]) {
    let found = arguments.split_first().and_then(|(name, rest)| Some((command.find_subcommand(name)?, rest)));
    found.map_or((command, arguments), |(found, rest)| subcommand(found, rest))
}

/// Adds the default subcommand: `fanfare --flag` is `fanfare serve --flag`.
fn with_subcommand(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let own = ["-h", "--help", "-V", "--version"];
    let is_flag = |first: &OsString| first.as_encoded_bytes().starts_with(b"-") && !own.iter().any(|own| first == own);
    if arguments.is_empty() {
        arguments.push(OsString::from("fanfare"));
    }
    if arguments.get(1).is_none_or(is_flag) {
        arguments.insert(1, OsString::from("serve"));
    }
    arguments
}

impl Publish {
    /// Checks rules that clap does not know.
    ///
    /// # Errors
    /// A batch has the route of a single event, which would publish all lines as one.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let mut from_end = self.url.segments().rev();
        let (last, before) = (from_end.next(), from_end.next());
        let is_for_batches = last == Some("") && before.is_none_or(str::is_empty)
            || last == Some("publish") && !["channels", "clients"].map(Some).contains(&before);
        if self.ndjson && !is_for_batches {
            return Err(Failure::usage(
                "--ndjson sends a batch to /publish, and each line says its channel: leave the path out of the URL",
            ));
        }
        Ok(())
    }

    /// The route with its parameters.
    pub(crate) fn url(&self) -> Url {
        let path = if self.ndjson { "/publish" } else { "/broadcast" };
        let wait = self.wait.map(|Wait::Written| "written".to_owned());
        let parameters = [
            ("event", self.event.clone()),
            ("id", self.id.clone()),
            ("retry", self.retry.map(|ms| ms.to_string())),
            ("wait", wait),
        ];
        let given = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
        given.fold(self.url.clone().or_path(path, &["", "/"]), |url, (name, value)| url.with(name, &value))
    }

    /// The publish key or the token, if there is one.
    ///
    /// # Errors
    /// There are both, or it cannot be sent.
    pub(crate) fn key(&self) -> Result<Option<&str>, Failure> {
        match (&self.key, &self.token) {
            (Some(_), Some(_)) => Err(Failure::usage(
                "there is a key (--key, FANFARE_PUBLISH_KEY) and a token (--token, FANFARE_TOKEN): leave one of them out",
            )),
            (Some(key), None) => sendable("--key (FANFARE_PUBLISH_KEY)", Some(key)),
            (None, token) => sendable(TOKEN, token.as_deref()),
        }
    }

    /// The file to read. None is standard input.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref().filter(|path| path.as_os_str() != OsStr::new("-"))
    }
}

impl Subscribe {
    /// The stream with its parameters.
    pub(crate) fn url(&self) -> Url {
        let id = self.id.iter().map(|id| ("id", id));
        let channels = self.channels.iter().map(|channel| ("channel", channel));
        let since = self.since.iter().map(|since| ("since", since));
        let given = id.chain(channels).chain(since);
        let url = given.fold(self.url.clone().or_path("/sse", &[""]), |url, (name, value)| url.with(name, value));
        self.heartbeat.iter().fold(url, |url, Heartbeat::Cursor| url.with("heartbeat", "cursor"))
    }

    /// The token, if there is one.
    ///
    /// # Errors
    /// The token cannot be sent.
    pub(crate) fn token(&self) -> Result<Option<&str>, Failure> {
        sendable(TOKEN, self.token.as_deref())
    }
}
