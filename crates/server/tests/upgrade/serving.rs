//! [`Serving`]: the process that serves now, through upgrades. [`Package`]: a program that is replaced by another one.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{Process, fanfare, run, server::Server, until};

/// The process that serves now. It is nobody's child once its predecessor has ended, so it is ended by its id.
pub(crate) struct Serving {
    /// The first process, whose output is that of all.
    pub(crate) first: Process,
    pub(crate) now: u32,
    pub(crate) address: SocketAddr,
}

impl Serving {
    pub(crate) fn started(command: &mut Command) -> Self {
        Self::of(Server::started(command))
    }

    pub(crate) fn of(Server { process: first, address, .. }: Server) -> Self {
        Self { now: first.id(), first, address }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Has a new process take over.
    pub(crate) fn upgrade(&mut self) {
        let (code, text) = run(fanfare().args(["upgrade", "--pid", &self.now.to_string()]));
        assert_eq!(code, 0, "{text}");
        let last = text.lines().last().unwrap();
        let (new, old) = last.split_once(" has taken over from process ").unwrap();
        assert_eq!(old, self.now.to_string());
        self.now = new.strip_prefix("process ").unwrap().parse().unwrap();
    }

    /// Has a new process try. Returns what is said of it.
    pub(crate) fn try_upgrade(&self) -> String {
        let (code, text) = run(fanfare().args(["upgrade", "--pid", &self.now.to_string()]));
        assert_eq!(code, 1, "{text}");
        assert!(text.contains(&format!("process {} goes on: ", self.now)), "{text}");
        text
    }

    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([&format!("-{name}"), &self.now.to_string()]).status().unwrap().success());
    }

    /// Ends the process that serves now, and waits until it is gone.
    pub(crate) fn end(self) {
        self.signal("TERM");
        let process = PathBuf::from(format!("/proc/{}", self.now));
        // A child that has ended is there until its parent looks.
        until("it has ended", || !is_alive(&process));
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if self.now != self.first.id() && is_alive(Path::new(&format!("/proc/{}", self.now))) {
            let _ = Command::new("kill").args(["-KILL", &self.now.to_string()]).status();
        }
    }
}

pub(crate) fn is_alive(process: &Path) -> bool {
    let status = fs::read_to_string(process.join("status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains("zombie"))
}

/// The ids of the children of a process: of those of each thread.
pub(crate) fn children_of(id: u32) -> String {
    let threads = fs::read_dir(format!("/proc/{id}/task")).unwrap().map_while(Result::ok);
    threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok()).collect()
}

/// A program that becomes the server, or does something else, as a file says: a package that is updated.
pub(crate) struct Package {
    pub(crate) path: PathBuf,
    _home: tempfile::TempDir,
}

impl Package {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("fanfare");
        fs::copy(env!("CARGO_BIN_EXE_fanfare"), &path).unwrap();
        Self { path, _home: home }
    }

    /// Puts another program in place of the one that runs.
    pub(crate) fn update(&self, script: &str) {
        let next = self.path.with_extension("next");
        fs::write(&next, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&next, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(next, &self.path).unwrap();
    }

    pub(crate) fn serve(&self, arguments: &[&str]) -> Serving {
        Serving::started(&mut self.command(arguments))
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let environment = fanfare();
        let mut command = Command::new(&self.path);
        for (name, _) in environment.get_envs() {
            command.env_remove(name);
        }
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
        command
    }
}
