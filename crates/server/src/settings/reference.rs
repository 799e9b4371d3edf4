//! The reference of all settings, `docs/settings.md`. The text is made from the definitions. A test compares it with
//! the file.

use std::{env, fs, path::Path};

use clap::{Arg, Args as _, Command};

use super::{
    file::NOT_IN_A_FILE,
    flags::Flags,
    issuer,
    layers::is_list,
    limits,
    memory::{BODIES, HISTORY, INBOXES, Memory, RINGS, SEND_BUFFERS, Share},
    value::size_text,
};

/// Variable that makes the test write the file instead of comparing it.
const WRITE: &str = "FANFARE_TEST_WRITE";
const COMMAND: &str = "FANFARE_TEST_WRITE=1 cargo test -p fanfare --bin fanfare settings_reference";
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/settings.md");

const HEAD: &str = "\
Each setting is a flag, an environment variable, and a key of the TOML file that `--config` names. These three mean the
same: `--body-bytes 4MiB`, `FANFARE_BODY_BYTES=4MiB`, and `body-bytes = \"4MiB\"` in the file. [Limits](#limits) are keys of
the file alone.

- A flag overrides the environment, the environment overrides the file, and the file overrides the default.
- SIZE is a number of bytes, or has a unit: `262144`, `256KiB`, `1MiB`, `64kB`.
- DURATION always has a unit: `500ms`, `15s`, `2m`.
- A list is an array in the file. Commas separate its entries in the environment. The flag is given once for each entry.
- `fanfare serve --check` prints every setting that would be used, and where it comes from. It starts nothing. The
  output can be used as a file again. It does not show the publish key, secrets of tokens, nor the URL of Redis.
- An unknown flag, an unknown key, or a bad value ends the command with the exit code 2. The message names the nearest known
  name.
- A limit that is given as a flag or as a variable, or above `[limits]` in the file, ends the command with the exit code 2. The
  message says where the limit stands.
- An unknown environment variable that begins with `FANFARE_` is a warning. Variables that Kubernetes sets for a Service, for
  instance `FANFARE_SERVICE_HOST`, are left alone.
- The collector of [traces](guide/admin.md#traces) is no setting. Variables of OpenTelemetry name it, as
  `OTEL_EXPORTER_OTLP_ENDPOINT`.
";

const LIMITS: &str = "
## Limits

These are keys of the table `[limits]` in the file. They are no flags and no variables, because the defaults fit nearly
everybody. The table stands at the end of the file:

```toml
heartbeat = \"20s\"

[limits]
channels-max = 1000
patience = \"0s\"
```
";

const ISSUERS: &str = "
## Issuers

A table `[[issuer]]` in the file is somebody who makes tokens, with keys and rules of its own. There may be several, at the end of
the file. The keys of `--token-key` are one more issuer, with the name `default`.

```toml
[[issuer]]
name = \"login\"
keys = [\"JWKS:https://login.example.org/keys\"]
iss = \"https://login.example.org/\"
aud = [\"push\"]
```
";

const MEMORY: &str = "
## Memory

`--memory` is the memory that events may take. These limits follow from it, each unless it is set:

";

/// The purpose of a limit, its key, and its share of the memory.
const SHARES: [(&str, &str, Share); 5] = [
    ("history", "hub-history-bytes", HISTORY),
    ("events that wait for slow streams", "hub-ring-bytes", RINGS),
    ("events that wait for threads, divided by the number of threads", "inbox-bytes", INBOXES),
    ("bodies that are being received; pages of history as much again", "bodies-bytes", BODIES),
    ("beside it, in the kernel: bytes on their way to clients", "send-buffers-bytes", SEND_BUFFERS),
];

const AFTER_MEMORY: &str = "
- The last columns are for a machine, or a cgroup, with so much memory, two threads, and no `--memory`.
- Streams come on top: see [Sizing](guide/sizing.md).
- `fanfare serve` logs at its start how much it takes, and why. `--check` prints it too.
- On systems other than Linux the server takes 1GiB, because they do not tell in a file how much memory they have.
";

fn definition() -> Command {
    Flags::augment_args(Command::new("serve"))
}

/// The whole file.
fn rendered() -> String {
    let title = "# Settings of `fanfare serve`";
    let mut text = format!("{title}\n\n<!-- Do not edit: {COMMAND} writes this file. -->\n\n{HEAD}");
    text += &tables(&definition(), "##", "flag, variable, key");
    text += &shares();
    text += ISSUERS;
    text += &tables(&issuer::definition(), "", "key").replacen("\n Issuers\n", "", 1);
    text += LIMITS;
    text + &tables(&limits::definition(), "###", "key")
}

/// A table for each heading.
fn tables(command: &Command, level: &str, names: &str) -> String {
    let args: Vec<_> = command.get_arguments().collect();
    let mut text = String::new();
    let mut headings: Vec<&str> = Vec::new();
    for heading in args.iter().filter_map(|arg| arg.get_help_heading()) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    for heading in headings {
        text += &format!("\n{level} {heading}\n\n| {names} | default | meaning |\n|---|---|---|\n");
        let of_heading = args.iter().filter(|arg| arg.get_help_heading() == Some(heading));
        text.extend(of_heading.map(|arg| row(arg, names == "key")));
    }
    text
}

/// The table of the shares of the memory.
fn shares() -> String {
    const MACHINES: [usize; 4] = [256 << 20, 2 << 30, 8 << 30, 64 << 30];
    let memories = MACHINES.map(|all| (all, Memory::of_machine(all)));
    let columns = memories.map(|(all, _)| format!(" {} |", size_text(all))).concat();
    let lines = "---|".repeat(MACHINES.len());
    let all = memories.map(|(_, memory)| format!(" {} |", size_text(memory.bytes))).concat();
    let mut text = format!(
        "{MEMORY}| what | key | share | at least | at most |{columns}\n|---|---|---|---|---|{lines}\n\
         | all | `memory` | | | |{all}\n"
    );
    for (what, key, share) in SHARES {
        let most = if share.most == usize::MAX { String::new() } else { size_text(share.most) };
        let threads = if key == "inbox-bytes" { 2 } else { 1 };
        let sizes = memories.map(|(_, memory)| format!(" {} |", size_text(share.of_each(memory, threads)))).concat();
        text += &format!("| {what} | `{key}` | {} | {} | {most} |{sizes}\n", share.told(), size_text(share.least))
            .replace("|  |", "| |");
    }
    text + AFTER_MEMORY
}

fn row(arg: &Arg, is_key: bool) -> String {
    let (meaning, told_default) = meaning(arg);
    let default = match arg.get_default_values() {
        [] => told_default.unwrap_or_else(|| "none".to_owned()),
        values => values.iter().map(|value| format!("`{}`", value.to_string_lossy())).collect(),
    };
    format!("| {} | {default} | {meaning}{} |\n", names(arg, is_key), choices(arg)).replace(" |  |", " | |")
}

/// The names of a setting. With `is_key` it is a key of a table in the file alone.
fn names(arg: &Arg, is_key: bool) -> String {
    let long = arg.get_long().unwrap_or_default();
    let list = if is_list(arg) { " (a list)" } else { "" };
    if is_key {
        return format!("`{long}`{list}");
    }
    let takes_value = arg.get_action().takes_values();
    let value = match arg.get_value_names() {
        Some([name, ..]) => name.to_string(),
        _ => long.replace('-', "_").to_uppercase(),
    };
    let value = match arg.get_num_args() {
        _ if !takes_value => String::new(),
        Some(range) if range.min_values() == 0 => format!("[={value}]"),
        _ => format!(" {value}"),
    };
    let mut names = vec![format!("`--{long}{value}`")];
    names.extend(arg.get_env().map(|name| format!("`{}`", name.to_string_lossy())));
    if !NOT_IN_A_FILE.contains(&long) {
        names.push(format!("`{long}`{list}"));
    }
    names.join("<br>")
}

/// The help as sentences, and the default from the end of its first paragraph.
fn meaning(arg: &Arg) -> (String, Option<String>) {
    let summary = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let (summary, default) = match summary.split_once(" [default: ") {
        Some((summary, default)) => (summary.to_owned(), Some(coded(default.trim_end_matches(['.', ']'])))),
        None => (summary, None),
    };
    let long = arg.get_long_help().map(ToString::to_string).unwrap_or_default();
    let details = long.split_once("\n\n").map(|(_, details)| format!(" {details}")).unwrap_or_default();
    let text = format!("{}.{details}", summary.trim_end_matches('.'));
    (coded(&text).replace('\n', " ").replace('|', "\\|"), default)
}

fn choices(arg: &Arg) -> String {
    let values = arg.get_possible_values();
    let helped = values.iter().filter_map(|value| Some((value.get_name(), value.get_help()?.to_string())));
    helped.map(|(name, help)| format!("<br>`{name}`: {}.", coded(help.trim_end_matches('.')))).collect()
}

/// Marks flags and variables as code.
fn coded(text: &str) -> String {
    let word = |word: &str| {
        let name = word.trim_end_matches(['.', ',', ';', ':']);
        let is_name = name.starts_with("--") || name.starts_with("FANFARE_");
        if is_name { format!("`{name}`{}", &word[name.len()..]) } else { word.to_owned() }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn settings_reference_is_up_to_date() {
    let rendered = rendered();
    if env::var_os(WRITE).is_some() {
        fs::write(FILE, &rendered).unwrap();
    }
    let written = fs::read_to_string(Path::new(FILE)).unwrap_or_default();
    let differs = written.lines().zip(rendered.lines()).find(|(written, rendered)| written != rendered);
    assert!(
        written == rendered,
        "docs/settings.md is not what the settings say; write it with: {COMMAND}\n{differs:#?}"
    );
}

#[test]
fn every_setting_begins_with_one_plain_sentence() {
    let (flags, limits, issuers) = (definition(), limits::definition(), issuer::definition());
    for arg in [&flags, &limits, &issuers].into_iter().flat_map(Command::get_arguments) {
        let name = arg.get_long().unwrap();
        assert!(arg.get_help_heading().is_some(), "--{name} has a heading");
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let sentence = help.split(" [default: ").next().unwrap_or_default().trim_end_matches('.');
        let begins = sentence.chars().next().is_some_and(|first| first.is_uppercase() || first == '`');
        assert!(begins && sentence.contains(' '), "--{name}: {help}");
        assert!(
            !sentence.contains(". ") && !sentence.contains(';'),
            "--{name} begins with more than one sentence: {help}"
        );
    }
}
