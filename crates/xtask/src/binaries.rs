//! [`Binaries`]: the test binaries of one `cargo test`, from cargo's messages after compiling. The runner needs them to
//! tell its progress, and which binaries did not run.

use std::path::Path;

use crate::json;

/// A test binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binary {
    /// A name like `fanfare-http::streams`. The package alone for the tests inside a library.
    pub(crate) name: String,
    /// The arguments of `cargo test` that choose it alone.
    pub(crate) selection: Vec<String>,
    /// File name, which is unique because it has a hash.
    file: String,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Binaries(Vec<Binary>);

impl Binaries {
    /// Reads the output of `cargo test --no-run --message-format=json`.
    pub(crate) fn of(messages: &str) -> Self {
        Self(messages.lines().filter_map(binary).collect())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Binary> {
        self.0.iter()
    }

    /// The binary whose program is at `path`.
    pub(crate) fn at(&self, path: &str) -> Option<&Binary> {
        let file = Path::new(path).file_name()?.to_str()?;
        self.0.iter().find(|binary| binary.file == file)
    }
}

fn binary(message: &str) -> Option<Binary> {
    if !message.starts_with(r#"{"reason":"compiler-artifact""#) {
        return None;
    }
    // A program that tests start is compiled too, but is no test binary.
    json::behind(message, "profile")?.split_once('}')?.0.contains(r#""test":true"#).then_some(())?;
    let executable = json::text(message, "executable")?;
    let package = package(&json::text(message, "package_id")?)?;
    let target = json::behind(message, "target")?;
    let (kind, target) = (json::behind(target, "kind")?.strip_prefix("[\"")?, json::text(target, "name")?);
    let kind = kind.split('"').next()?;
    let (name, choice) = match kind {
        "bin" | "test" | "example" | "bench" => (format!("{package}::{target}"), vec![format!("--{kind}"), target]),
        _ => (package.clone(), vec!["--lib".to_owned()]),
    };
    let selection = ["-p".to_owned(), package].into_iter().chain(choice).collect();
    let file = Path::new(&executable).file_name()?.to_str()?.to_owned();
    Some(Binary { name, selection, file })
}

/// The package in `path+file:///a/crates/core#fanfare-core@0.1.0`, or in `path+file:///a/crates/xtask#0.1.0` if the
/// directory has the package's name.
fn package(id: &str) -> Option<String> {
    let (place, version) = id.rsplit_once('#')?;
    let name = match version.split_once('@') {
        Some((name, _)) => name,
        None => place.rsplit('/').next()?,
    };
    Some(name.to_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Cargo's message for a target, shortened.
    pub(crate) fn artefact(id: &str, kind: &str, name: &str, executable: &str) -> String {
        format!(
            r#"{{"reason":"compiler-artifact","package_id":"path+file:///w/crates/{id}","manifest_path":"/w/Cargo.toml","target":{{"kind":["{kind}"],"crate_types":["bin"],"name":"{name}","src_path":"/w/main.rs","edition":"2024","doc":false,"doctest":false,"test":true}},"profile":{{"opt_level":"0","overflow_checks":true,"test":true}},"features":[],"filenames":["{executable}"],"executable":"{executable}","fresh":true}}"#
        ) + "\n"
    }

    #[test]
    fn are_named_by_package_and_target_and_can_be_chosen_alone() {
        let messages = artefact("http#fanfare-http@0.1.0", "test", "streams", "/t/debug/deps/streams-1")
            + &artefact("core#fanfare-core@0.1.0", "lib", "fanfare_core", "/t/debug/deps/fanfare_core-2")
            + &artefact("xtask#0.1.0", "bin", "xtask", "/t/debug/deps/xtask-3");
        let binaries = Binaries::of(&messages);
        let seen: Vec<_> = binaries.iter().map(|binary| (binary.name.as_str(), binary.selection.join(" "))).collect();
        let expected = [
            ("fanfare-http::streams", "-p fanfare-http --test streams".to_owned()),
            ("fanfare-core", "-p fanfare-core --lib".to_owned()),
            ("xtask::xtask", "-p xtask --bin xtask".to_owned()),
        ];
        assert_eq!(seen, expected);
        assert_eq!(binaries.at("target/debug/deps/streams-1").unwrap().name, "fanfare-http::streams");
        assert!(binaries.at("target/debug/deps/streams-9").is_none());
    }

    #[test]
    fn libraries_and_programs_that_are_no_tests_do_not_count() {
        let program = artefact("server#fanfare@0.1.0", "bin", "fanfare", "/t/debug/fanfare");
        let program =
            program.replace(r#""overflow_checks":true,"test":true"#, r#""overflow_checks":true,"test":false"#);
        let library = artefact("core#fanfare-core@0.1.0", "lib", "fanfare_core", "x")
            .replace(r#""executable":"x""#, r#""executable":null"#);
        let finished = "{\"reason\":\"build-finished\",\"success\":true}\n";
        assert_eq!(Binaries::of(&(program + &library + finished)).count(), 0);
    }
}
