//! Installs every row of parts.rs before the tests start, and the rows of a chore before the chore: looks, installs
//! what is missing, looks again.
//!
//! Nothing is skipped silently. A part that cannot be installed from here is an error that says what to type. Debian
//! packages are installed for the whole machine, and only as root or with a `sudo` that asks no question.

use crate::invocation::{Invocation, Workspace};
use crate::parts::{PARTS, Package, Part};

const APT_INSTALL: &[&str] = &["apt-get", "install", "-y", "--no-install-recommends"];

/// Installs what the tests need.
pub(crate) fn run(workspace: &Workspace) -> Result<(), String> {
    provide(workspace, "the tests need", PARTS)
}

/// Installs what is missing of these parts. `who` needs them, for the messages.
pub(crate) fn provide(workspace: &Workspace, who: &str, parts: &'static [Part]) -> Result<(), String> {
    let missing = missing(workspace, parts);
    if missing.is_empty() {
        return Ok(());
    }
    for (part, complaint) in &missing {
        println!("{who} {} ({}): {complaint}", part.name, part.why);
    }
    let packages: Vec<Package> = missing.iter().map(|(part, _)| part.package).collect();
    let orders = Orders::of(&packages);
    if !orders.debian.is_empty() {
        let privilege = privilege(workspace).ok_or_else(|| orders.by_hand())?;
        for invocation in orders.apt(privilege) {
            workspace.run(&invocation)?;
        }
    }
    let of_languages = [orders.npm(workspace), orders.pip(workspace), orders.go(workspace), orders.cargo(workspace)];
    for invocation in of_languages.iter().flatten() {
        workspace.run(invocation)?;
    }
    confirm(workspace, parts)
}

fn confirm(workspace: &Workspace, parts: &'static [Part]) -> Result<(), String> {
    let absent: Vec<String> = missing(workspace, parts)
        .into_iter()
        .map(|(part, complaint)| format!("{} is still absent after its installation: {complaint}", part.name))
        .collect();
    if absent.is_empty() { Ok(()) } else { Err(absent.join("\n")) }
}

/// The missing parts, each with the answer of its command.
fn missing(workspace: &Workspace, parts: &'static [Part]) -> Vec<(&'static Part, String)> {
    parts.iter().filter_map(|part| Some((part, look(workspace, part).err()?))).collect()
}

fn look(workspace: &Workspace, part: &Part) -> Result<(), String> {
    let look = workspace.place(part.seen_by);
    // One line is enough, because some programs print much.
    let first_line = |complaint: String| complaint.lines().next().unwrap_or_default().to_owned();
    if workspace.ask(&look).map_err(first_line)?.contains(part.seen_by_output) {
        return Ok(());
    }
    Err(format!("`{look}` does not print {}", part.seen_by_output))
}

/// The words before `apt-get` that give the right to install packages. Root needs none. `None` if packages cannot be
/// installed from here.
fn privilege(workspace: &Workspace) -> Option<&'static [&'static str]> {
    let answer = |words: &[&str]| workspace.ask(&Invocation::new(words));
    answer(&["apt-get", "--version"]).ok()?;
    if answer(&["id", "-u"]).is_ok_and(|id| id.trim() == "0") {
        return Some(&[]);
    }
    answer(&["sudo", "-n", "true"]).is_ok().then_some(&["sudo", "-n"])
}

/// The packages to install, by installer.
struct Orders {
    debian: Vec<&'static str>,
    npm: Vec<&'static str>,
    go: Vec<&'static str>,
    pip: Vec<&'static str>,
    cargo: Vec<&'static str>,
}

impl Orders {
    fn of(packages: &[Package]) -> Self {
        let mut orders =
            Self { debian: Vec::new(), npm: Vec::new(), go: Vec::new(), pip: Vec::new(), cargo: Vec::new() };
        for package in packages {
            match *package {
                Package::Debian(name) => orders.debian.push(name),
                Package::Npm(name) => orders.npm.push(name),
                Package::Go(name) => orders.go.push(name),
                Package::Pip(name) => orders.pip.push(name),
                Package::Cargo(name) => orders.cargo.push(name),
            }
        }
        orders
    }

    fn apt(&self, privilege: &[&str]) -> [Invocation; 2] {
        // Through `env`, because sudo does not pass the environment on.
        let quiet = Invocation::new(privilege).with_args(&["env", "DEBIAN_FRONTEND=noninteractive"]);
        [quiet.clone().with_args(&["apt-get", "update"]), quiet.with_args(APT_INSTALL).with_args(&self.debian)]
    }

    fn npm(&self, workspace: &Workspace) -> Vec<Invocation> {
        if self.npm.is_empty() {
            return Vec::new();
        }
        let npm = ["npm", "install", "--prefix", "{target}/parts", "--save-exact", "--no-audit", "--no-fund"];
        vec![workspace.place(&npm).with_args(&self.npm)]
    }

    /// One invocation for each command: Go takes several only of one module.
    fn go(&self, workspace: &Workspace) -> Vec<Invocation> {
        // Go wants absolute paths. Its caches are there too, and may be removed with the rest. The tests use them.
        let path = workspace.target().join("parts/go").display().to_string();
        let cache = format!("{path}/build");
        let go = ["{target}/parts/python/bin/go", "install", "-modcacherw"];
        let install = |name: &&'static str| {
            workspace.place(&go).with_args(&[name]).with_env("GOPATH", &path).with_env("GOCACHE", &cache)
        };
        self.go.iter().map(install).collect()
    }

    fn pip(&self, workspace: &Workspace) -> Vec<Invocation> {
        if self.pip.is_empty() {
            return Vec::new();
        }
        // A separate Python environment, because Debian does not let pip write into the system's.
        let pip = ["{target}/parts/python/bin/python", "-m", "pip", "install", "--disable-pip-version-check"];
        vec![
            workspace.place(&["python3", "-m", "venv", "{target}/parts/python"]),
            workspace.place(&pip).with_args(&self.pip),
        ]
    }

    /// One invocation for all. They compile in a directory of their own, which has nothing to do with this repository.
    fn cargo(&self, workspace: &Workspace) -> Vec<Invocation> {
        if self.cargo.is_empty() {
            return Vec::new();
        }
        let cargo =
            ["cargo", "install", "--locked", "--root", "{target}/parts/cargo", "--target-dir", "{target}/install"];
        vec![workspace.place(&cargo).with_args(&self.cargo)]
    }

    fn by_hand(&self) -> String {
        let install = Invocation::new(APT_INSTALL).with_args(&self.debian);
        format!("this needs root (or sudo without a password) and apt-get; install it by hand, as root:\n  {install}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release_parts;

    fn typed(invocations: &[Invocation]) -> Vec<String> {
        invocations.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_row_says_how_to_see_it_and_why() {
        for part in PARTS.iter().chain(release_parts::all()) {
            assert!(!part.name.is_empty() && !part.seen_by.is_empty() && !part.why.is_empty(), "{}", part.name);
        }
    }

    #[test]
    fn debian_packages_are_one_update_and_one_install() {
        let orders = Orders::of(&[Package::Debian("curl"), Package::Debian("nginx")]);
        let apt = typed(&orders.apt(&["sudo", "-n"]));
        assert_eq!(apt[0], "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get update");
        assert!(apt[1].ends_with("apt-get install -y --no-install-recommends curl nginx"), "{}", apt[1]);
        assert!(typed(&orders.apt(&[]))[0].starts_with("env "));
        let workspace = Workspace::find().unwrap();
        let others = [orders.npm(&workspace), orders.pip(&workspace), orders.go(&workspace), orders.cargo(&workspace)];
        assert!(others.concat().is_empty());
    }

    #[test]
    fn packages_of_languages_stay_inside_the_target_directory() {
        let workspace = Workspace::find().unwrap().with_target("/elsewhere/t").unwrap();
        let orders = Orders::of(&[
            Package::Npm("eventsource@5.1.5"),
            Package::Pip("schemathesis==4.32.5"),
            Package::Go("a.org/b@v1"),
            Package::Go("a.org/c@v2"),
            Package::Cargo("cargo-deb@3.8.0"),
        ]);
        let cargo = typed(&orders.cargo(&workspace));
        let expected =
            "cargo install --locked --root /elsewhere/t/parts/cargo --target-dir /elsewhere/t/install cargo-deb@3.8.0";
        assert_eq!(cargo, [expected]);
        let go = typed(&orders.go(&workspace));
        assert_eq!(
            go,
            [
                "GOPATH=/elsewhere/t/parts/go GOCACHE=/elsewhere/t/parts/go/build /elsewhere/t/parts/python/bin/go install -modcacherw a.org/b@v1",
                "GOPATH=/elsewhere/t/parts/go GOCACHE=/elsewhere/t/parts/go/build /elsewhere/t/parts/python/bin/go install -modcacherw a.org/c@v2"
            ]
        );
        assert!(orders.debian.is_empty());
        let npm = typed(&orders.npm(&workspace));
        assert!(npm[0].contains("--prefix /elsewhere/t/parts") && npm[0].ends_with(" eventsource@5.1.5"), "{}", npm[0]);
        let pip = typed(&orders.pip(&workspace));
        assert_eq!(pip[0], "python3 -m venv /elsewhere/t/parts/python");
        assert!(pip[1].starts_with("/elsewhere/t/parts/python/"), "{}", pip[1]);
        assert!(pip[1].ends_with(" schemathesis==4.32.5"), "{}", pip[1]);
    }

    #[test]
    fn what_cannot_be_installed_is_spelled_out() {
        let text = Orders::of(&[Package::Debian("curl")]).by_hand();
        assert!(text.ends_with("\n  apt-get install -y --no-install-recommends curl"), "{text}");
    }
}
