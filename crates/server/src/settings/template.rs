//! The commented file of all settings, `packaging/fanfare.toml`. The text is made from the definitions. A test compares it with the file.

use std::{env, fs, path::Path};

use clap::{Arg, Args as _, Command};

use super::{
    file::{NOT_IN_A_FILE, literal},
    flags::Flags,
    issuer,
    layers::{is_list, told_default},
    limits,
};

/// Variable that makes the test write the file instead of comparing it.
const WRITE: &str = "FANFARE_TEST_WRITE";
const COMMAND: &str = "FANFARE_TEST_WRITE=1 cargo test -p fanfare --bin fanfare settings_file";
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packaging/fanfare.toml");

const HEAD: &str = "\
# All settings of `fanfare serve`, with their defaults. `fanfare serve --config FILE --check` prints what would run.
#
# A line that begins with `#` and a name at once is a default: remove the `#`, and give another value. A line with a space behind the
# `#` has no fixed default, and shows how the setting is written. Environment variables override this file, and flags override both.
";

const LIMITS: &str = "

# ---- Limits ----
#
# They fit nearly everybody. All lines below belong to this table.

[limits]
";

const ISSUERS: &str = "

# ---- Issuers ----
#
# Each is somebody who makes tokens. A table begins with the line [[issuer]], and there may be several.

# [[issuer]]
";

/// The whole file.
fn rendered() -> String {
    let flags = Flags::augment_args(Command::new("serve"));
    let mut text = HEAD.to_owned();
    let args: Vec<_> = flags.get_arguments().filter(|arg| is_setting(arg)).collect();
    let mut headings: Vec<&str> = Vec::new();
    for heading in args.iter().filter_map(|arg| arg.get_help_heading()) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    for heading in headings {
        text += &format!("\n\n# ---- {heading} ----\n");
        let of_heading = args.iter().filter(|arg| arg.get_help_heading() == Some(heading));
        text.extend(of_heading.map(|arg| format!("\n{}", setting(arg))));
    }
    text += LIMITS;
    text.extend(limits::definition().get_arguments().map(|arg| format!("\n{}", setting(arg))));
    text += ISSUERS;
    text.extend(issuer::definition().get_arguments().map(|arg| {
        // Those of a table that is a comment are comments too.
        format!("\n{}", setting(arg).replace("\n#", "\n# ").replace("\n#  ", "\n# "))
    }));
    text
}

fn is_setting(arg: &Arg) -> bool {
    arg.get_long().is_some_and(|long| !NOT_IN_A_FILE.contains(&long))
}

/// A line of text, and the setting.
fn setting(arg: &Arg) -> String {
    let key = arg.get_long().unwrap_or_default();
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default().replace('\n', " ");
    let sentence = help.split(" [default: ").next().unwrap_or_default().trim_end_matches('.');
    let told = told_default(arg).map(|told| format!(" Default: {}.", told.replace('\n', " "))).unwrap_or_default();
    let names = arg.get_possible_values();
    let choices: Vec<_> =
        names.iter().filter(|_| !arg.is_hide_possible_values_set()).map(|value| value.get_name()).collect();
    let choices = if choices.is_empty() { String::new() } else { format!(" One of {}.", choices.join(", ")) };
    let value = match arg.get_default_values() {
        [] if is_list(arg) => "#KEY = []".to_owned(),
        [] => {
            let name = arg.get_value_names().and_then(|names| names.first()).map_or("VALUE", |name| name.as_str());
            format!("# KEY = {name}")
        }
        values => {
            let value = values.iter().map(|value| literal(&value.to_string_lossy())).collect::<Vec<_>>().join(", ");
            if is_list(arg) { format!("#KEY = [{value}]") } else { format!("#KEY = {value}") }
        }
    };
    format!("# {sentence}.{choices}{told}\n{}\n", value.replacen("KEY", key, 1))
}

#[test]
fn settings_file_is_up_to_date() {
    let rendered = rendered();
    if env::var_os(WRITE).is_some() {
        fs::create_dir_all(Path::new(FILE).parent().unwrap()).unwrap();
        fs::write(FILE, &rendered).unwrap();
    }
    let written = fs::read_to_string(Path::new(FILE)).unwrap_or_default();
    let differs = written.lines().zip(rendered.lines()).find(|(written, rendered)| written != rendered);
    assert!(
        written == rendered,
        "packaging/fanfare.toml is not what the settings say; write it with: {COMMAND}\n{differs:#?}"
    );
}
