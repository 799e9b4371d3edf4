//! The checks of `cargo xtask tree` on the image: whether the Dockerfile fits the repository. No image is built here.
//!
//! The checks read the Dockerfile, .dockerignore, and other files that name variables of the server. They understand
//! only the syntax that is in use. Anything else is a fault.

use std::{fs, path::Path};

const DOCKERFILE: &str = "Dockerfile";
const IGNORE: &str = ".dockerignore";
/// Other files that name variables of the server.
const OTHERS: [&str; 3] = [
    "examples/two-nodes/compose.yaml",
    "packaging/kubernetes/one-node.yaml",
    "packaging/kubernetes/several-nodes.yaml",
];
/// Directory of the settings. Each setting's variable is in an attribute there.
const SETTINGS: &str = "crates/server/src/";

/// Directories that a build must never be sent. The first is large, the second belongs to this machine.
const NEVER_SENT: [&str; 2] = [".git", "target"];

/// Returns all faults. `files` are all files of the repository.
pub(crate) fn faults(root: &Path, files: &[&str]) -> Result<Vec<String>, String> {
    let read =
        |path: &str| fs::read_to_string(root.join(path)).map_err(|error| format!("{path} cannot be read: {error}"));
    let is_of_settings = |path: &&&str| path.starts_with(SETTINGS) && path.ends_with(".rs");
    let settings: Result<Vec<String>, String> = files.iter().filter(is_of_settings).map(|path| read(path)).collect();
    let settings = settings?.concat();
    let (dockerfile, ignore, manifest) = (read(DOCKERFILE)?, read(IGNORE)?, read("Cargo.toml")?);
    let image = Image { steps: steps(&dockerfile), ignore: patterns(&ignore), manifest: &manifest, files };
    let mut faults = image.faults();
    for path in [DOCKERFILE].into_iter().chain(OTHERS) {
        let unknown = unknown_variables(&read(path)?, &settings);
        faults.extend(unknown.into_iter().map(|fault| format!("{path}: {fault}")));
    }
    Ok(faults)
}

struct Image<'a> {
    /// Keyword and arguments, in order.
    steps: Vec<(String, String)>,
    ignore: Vec<&'a str>,
    /// The workspace's Cargo.toml.
    manifest: &'a str,
    files: &'a [&'a str],
}

impl Image<'_> {
    fn faults(&self) -> Vec<String> {
        let dockerfile = [self.copies(), self.members(), self.profile(), self.toolchain(), self.listens(), self.user()];
        let dockerfile = [dockerfile.concat(), self.libraries(), self.health()].concat();
        let mut faults: Vec<String> = dockerfile.into_iter().map(|fault| format!("{DOCKERFILE}: {fault}")).collect();
        faults.extend(self.ignored().into_iter().map(|fault| format!("{IGNORE}: {fault}")));
        faults
    }

    fn all(&self, keyword: &str) -> impl Iterator<Item = &str> {
        self.steps.iter().filter(move |(word, _)| word == keyword).map(|(_, rest)| rest.as_str())
    }

    /// Paths that are copied from the repository.
    fn sources(&self) -> Vec<&str> {
        let copies = self.all("COPY").filter(|rest| !rest.starts_with("--from="));
        copies.flat_map(|rest| rest.split_whitespace().rev().skip(1)).collect()
    }

    fn copies(&self) -> Vec<String> {
        let is_there = |source: &&str| self.files.iter().any(|path| is_below(path, source));
        let missing = self.sources().into_iter().filter(|source| !is_there(source));
        missing.map(|source| format!("copies {source}, which is not there")).collect()
    }

    /// Directories of all members. Cargo reads the manifest of every member, even to build one.
    fn members(&self) -> Vec<String> {
        let sources = self.sources();
        let is_excluded = |path: &str| path.starts_with("fuzz/");
        let manifests = self.files.iter().filter(|path| path.ends_with("Cargo.toml") || **path == "Cargo.lock");
        let left_out =
            manifests.filter(|path| !is_excluded(path) && !sources.iter().any(|source| is_below(path, source)));
        left_out.map(|path| format!("does not copy {path}, which cargo reads")).collect()
    }

    fn profile(&self) -> Vec<String> {
        let Some(build) = self.all("RUN").find(|run| run.contains("cargo build")) else {
            return vec!["builds nothing with cargo".to_owned()];
        };
        let mut words = build.split_whitespace().skip_while(|word| *word != "--profile");
        let Some(profile) = words.nth(1) else { return vec!["names no profile".to_owned()] };
        let mut faults = Vec::new();
        if !self.manifest.contains(&format!("[profile.{profile}]")) {
            faults.push(format!("builds with the profile {profile}, which Cargo.toml does not have"));
        }
        let program = format!("/target/{profile}/fanfare ");
        if !self.all("COPY").any(|rest| rest.starts_with("--from=") && rest.contains(&program)) {
            faults.push(format!("does not copy the program that the profile {profile} makes"));
        }
        faults
    }

    fn toolchain(&self) -> Vec<String> {
        let wanted = self.manifest.lines().find_map(|line| line.strip_prefix("rust-version = "));
        let wanted = wanted.unwrap_or_default().trim_matches('"');
        let is_it = self.all("FROM").any(|from| from.starts_with(&format!("rust:{wanted}-")));
        if is_it { Vec::new() } else { vec![format!("does not build with Rust {wanted}, which Cargo.toml asks for")] }
    }

    /// The stage that builds and the one that runs are of one system, so that the program finds its C library.
    fn libraries(&self) -> Vec<String> {
        let system = |image: &str| {
            let image = image.split_whitespace().next().unwrap_or_default().replace(':', "");
            ["alpine", "debian"].into_iter().find_map(|name| Some(image.split_once(name)?.1.to_owned()))
        };
        let systems: Vec<_> = self.all("FROM").map(system).collect();
        match systems.as_slice() {
            [Some(built), Some(runs)] if built == runs => Vec::new(),
            _ => vec!["builds and runs on different systems".to_owned()],
        }
    }

    /// The check of health asks at the port that is exposed.
    fn health(&self) -> Vec<String> {
        let port = self.all("EXPOSE").next().unwrap_or_default();
        let asks = format!("\"http://127.0.0.1:{port}/healthz\"");
        if self.all("HEALTHCHECK").any(|check| check.contains(&asks)) {
            return Vec::new();
        }
        vec![format!("has no HEALTHCHECK that asks {asks}")]
    }

    fn listens(&self) -> Vec<String> {
        let listen = self.all("ENV").find_map(|env| env.strip_prefix("FANFARE_LISTEN="));
        let port = self.all("EXPOSE").next().unwrap_or_default();
        if listen == Some(&format!("0.0.0.0:{port}")) {
            return Vec::new();
        }
        vec![format!("exposes port {port} and listens on {}", listen.unwrap_or("loopback"))]
    }

    fn user(&self) -> Vec<String> {
        let last_stage = self.steps.iter().rposition(|(word, _)| word == "FROM").unwrap_or(0);
        let user = self.steps[last_stage..].iter().rfind(|(word, _)| word == "USER").map(|(_, user)| user.as_str());
        match user {
            Some(user) if !["root", "0"].contains(&user.split(':').next().unwrap_or_default()) => Vec::new(),
            _ => vec!["runs as root".to_owned()],
        }
    }

    fn ignored(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for name in NEVER_SENT {
            if !self.ignore.contains(&name) {
                faults.push(format!("does not have {name}"));
            }
        }
        let is_understood = |pattern: &&&str| !pattern.trim_start_matches("**/").contains(['*', '!', '?', '[']);
        let strange = self.ignore.iter().filter(|pattern| !is_understood(pattern));
        faults.extend(strange.map(|pattern| format!("{pattern} is a kind of pattern that this check does not know")));
        let sources = self.sources();
        let needed = self.files.iter().filter(|path| sources.iter().any(|source| is_below(path, source)));
        let needed = needed.filter(|path| path.ends_with(".rs") || path.contains("Cargo.") || path.contains("/src/"));
        let lost = needed.filter(|path| self.ignore.iter().any(|pattern| is_ignored(path, pattern)));
        faults.extend(lost.map(|path| format!("leaves out {path}, which the build needs")));
        faults
    }
}

/// The instructions of a Dockerfile, each on one line.
fn steps(dockerfile: &str) -> Vec<(String, String)> {
    let lines = dockerfile.lines().filter(|line| !line.trim_start().starts_with('#'));
    let whole = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    whole.lines().filter_map(|line| line.trim().split_once(' ')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

fn patterns(ignore: &str) -> Vec<&str> {
    ignore.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// Whether `path` is `place` or below it.
fn is_below(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_ignored(path: &str, pattern: &str) -> bool {
    match pattern.strip_prefix("**/") {
        Some(name) => path.split('/').any(|part| part == name),
        None => is_below(path, pattern),
    }
}

/// Variables of the server that belong to no setting.
fn unknown_variables(text: &str, settings: &str) -> Vec<String> {
    let is_of_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let words = text.split(|c| !is_of_name(c)).filter(|word| word.starts_with("FANFARE_"));
    let unknown = words.filter(|word| !settings.contains(&format!("env = \"{word}\"")));
    unknown.map(|word| format!("{word} is the variable of no setting")).collect()
}

#[cfg(test)]
mod tests;
