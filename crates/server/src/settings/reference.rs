//! The reference of all settings, `docs/settings.md`: written from the definition, and compared with it by a test.

use std::{env, fs, path::Path};

use clap::{Arg, Args as _, Command};

use super::{
    Serve,
    layers::{NOT_IN_A_FILE, is_list},
};

/// Set for the test, it writes the file instead of comparing it.
const WRITE: &str = "FANFARE_TEST_WRITE";
const COMMAND: &str = "FANFARE_TEST_WRITE=1 cargo test -p fanfare --bin fanfare settings_reference";
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/settings.md");

const HEAD: &str = "\
Each setting is a flag, an environment variable, and a key of the TOML file that `--config` names. These three mean the
same: `--body-bytes 4MiB`, `FANFARE_BODY_BYTES=4MiB`, and `body-bytes = \"4MiB\"` in the file.

- A flag overrides the environment, the environment overrides the file, and the file overrides the default.
- SIZE is a number of bytes, or has a unit: `262144`, `256KiB`, `1MiB`, `64kB`.
- DURATION always has a unit: `500ms`, `15s`, `2m`.
- A list is an array in the file. Commas separate its entries in the environment. The flag is given once for each entry.
- `fanfare serve --check` prints every setting that would be used, and where it comes from. It starts nothing. The
  output can be used as a file again. It does not show the publish key, nor the URL of Redis.
- An unknown flag, an unknown key, or a bad value ends the command with the exit code 2. The message names the nearest known
  name.
- An unknown environment variable that begins with `FANFARE_` is a warning. Variables that Kubernetes sets for a Service, for
  instance `FANFARE_SERVICE_HOST`, are left alone.
";

fn definition() -> Command {
    Serve::augment_args(Command::new("serve"))
}

/// The whole file.
fn rendered() -> String {
    let command = definition();
    let args: Vec<_> = command.get_arguments().collect();
    let mut text =
        format!("# Settings of `fanfare serve`\n\n<!-- Do not edit: {COMMAND} writes this file. -->\n\n{HEAD}");
    let mut headings: Vec<&str> = Vec::new();
    for heading in args.iter().filter_map(|arg| arg.get_help_heading()) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    for heading in headings {
        text += &format!("\n## {heading}\n\n| flag, variable, key | default | meaning |\n|---|---|---|\n");
        text.extend(args.iter().filter(|arg| arg.get_help_heading() == Some(heading)).map(|arg| row(arg)));
    }
    text
}

fn row(arg: &Arg) -> String {
    let (meaning, told_default) = meaning(arg);
    let default = match arg.get_default_values() {
        [] => told_default.unwrap_or_else(|| "none".to_owned()),
        values => values.iter().map(|value| format!("`{}`", value.to_string_lossy())).collect(),
    };
    format!("| {} | {default} | {meaning}{} |\n", names(arg), choices(arg)).replace(" |  |", " | |")
}

fn names(arg: &Arg) -> String {
    let long = arg.get_long().unwrap_or_default();
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
        let list = if is_list(arg) { " (a list)" } else { "" };
        names.push(format!("`{long}`{list}"));
    }
    names.join("<br>")
}

/// The help as sentences, and the default that the first paragraph tells at its end.
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

/// With flags and variables as code.
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
    for arg in definition().get_arguments() {
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
