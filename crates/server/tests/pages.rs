//! Man pages and completions: they are made from the command line's definition, and the programs that read them take them.

mod support;

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output},
};

use support::{fanfare, run};
use tempfile::TempDir;

fn made() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut command = fanfare();
    // What stands in the environment is nobody's default.
    command
        .arg("pages")
        .arg(directory.path())
        .env("FANFARE_PUBLISH_KEY", "s3cr3t-word")
        .env("FANFARE_LOG", "s3cr3t-word");
    let (code, text) = run(&mut command);
    assert!(code == 0 && text.is_empty(), "{text}");
    directory
}

fn ran(program: &str, arguments: &[&str]) -> Output {
    // A long name at the end of a line is no fault.
    let environment = [("MANWIDTH", "80"), ("MANROFFOPT", "-Wbreak")];
    let output = Command::new(program).args(arguments).envs(environment).output();
    output.unwrap_or_else(|error| panic!("{program}: {error}; `cargo xtask test` installs it"))
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    entries.collect()
}

#[test]
fn each_command_has_a_page_that_man_shows() {
    let made = made();
    let pages = made.path().join("man");
    let expected =
        ["", "-serve", "-publish", "-subscribe", "-explain", "-upgrade", "-token", "-token-mint", "-token-explain"];
    let expected = expected.into_iter().chain(["-token-key", "-journal", "-journal-check", "-journal-dump"]);
    assert_eq!(names(&pages), expected.map(|name| format!("fanfare{name}.1")).collect());
    for name in names(&pages) {
        let path = pages.join(&name);
        let source = fs::read_to_string(&path).unwrap();
        assert!(!source.contains("s3cr3t"), "{name}");
        let output = ran("man", &["-l", path.to_str().unwrap()]);
        let text = String::from_utf8_lossy(&output.stdout);
        let is_shown = ["NAME", "SYNOPSIS", "DESCRIPTION"].iter().all(|heading| text.contains(heading));
        assert!(output.status.success() && is_shown, "{name}: {text}");
        assert!(output.stderr.is_empty(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let serve = fs::read_to_string(pages.join("fanfare-serve.1")).unwrap();
    let (_, help) = run(fanfare().args(["serve", "--help"]));
    let flags = help.lines().filter_map(|line| line.trim_start().strip_prefix("--")?.split([' ', '=', '[']).next());
    for flag in flags {
        assert!(serve.contains(&flag.replace('-', "\\-")), "{flag}");
    }
}

#[test]
fn each_shell_takes_its_completions() {
    let made = made();
    let completions = made.path().join("completions");
    let expected = ["_fanfare", "fanfare.bash", "fanfare.fish"];
    assert_eq!(names(&completions), expected.map(str::to_owned).into());
    for (shell, file) in [("bash", "fanfare.bash"), ("zsh", "_fanfare"), ("fish", "fanfare.fish")] {
        let path = completions.join(file);
        assert!(!fs::read_to_string(&path).unwrap().contains("s3cr3t"), "{file}");
        let output = ran(shell, &["-n", path.to_str().unwrap()]);
        assert!(output.status.success() && output.stderr.is_empty(), "{shell}: {output:?}");
    }
}

#[test]
fn bash_and_fish_complete_commands_and_flags() {
    let made = made();
    let path = |name: &str| made.path().join("completions").join(name).display().to_string();
    let bash = |words: &str| {
        let last = words.split(' ').count() - 1;
        let script = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD={last}; _fanfare fanfare '{}' ''; echo \"${{COMPREPLY[@]}}\"",
            path("fanfare.bash"),
            words.rsplit(' ').next().unwrap()
        );
        String::from_utf8(ran("bash", &["-c", &script]).stdout).unwrap().trim().to_owned()
    };
    assert_eq!(bash("fanfare upg"), "upgrade");
    assert_eq!(bash("fanfare serve --log-f"), "--log-format");
    let fish = |line: &str| {
        let script = format!("source {}; complete --do-complete '{line}'", path("fanfare.fish"));
        let text = String::from_utf8(ran("fish", &["-c", &script]).stdout).unwrap();
        text.lines().filter_map(|line| line.split('\t').next()).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(fish("fanfare upg"), ["upgrade"]);
    assert_eq!(fish("fanfare serve --log-f"), ["--log-format"]);
}

#[test]
fn a_directory_that_cannot_be_written_is_an_error() {
    let (code, text) = run(fanfare().args(["pages", "/dev/null/pages"]));
    assert!(code == 1 && text.contains("/dev/null/pages cannot be written: "), "{text}");
}
