//! [`SmallDisk`]: a file system in memory that only one process has mounted. Others reach it through that process's
//! root. So no test needs to be root, and a kill leaves nothing behind.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::Process;

/// A small file system. Its drop removes it.
pub(crate) struct SmallDisk {
    root: PathBuf,
    pub(crate) ballast: Ballast,
    _holder: Process,
    _mounted_at: TempDir,
}

impl SmallDisk {
    /// Makes one with this much space.
    pub(crate) fn new(mib: usize) -> Self {
        let is_there = Command::new("unshare").arg("--version").stdout(Stdio::null()).status();
        is_there.expect("`unshare` is missing; install util-linux");
        let mounted_at = tempfile::tempdir().unwrap();
        let mount = format!("mount -t tmpfs -o size={mib}m tmpfs \"$0\" && echo mounted && exec cat");
        let mut said = Vec::new();
        // As an ordinary user, and as root where there are no user namespaces.
        for flags in [&["--user", "--map-root-user", "--mount"][..], &["--mount"]] {
            let mut command = Command::new("unshare");
            command.args(flags).args(["sh", "-c", &mount]).arg(mounted_at.path());
            let mut holder = Process::start_with_input(&mut command, Stdio::piped());
            let line = holder.line_with("");
            if line == "mounted" {
                let root = format!("/proc/{}/root{}", holder.id(), mounted_at.path().display());
                let (root, ballast) = (PathBuf::from(&root), Ballast(PathBuf::from(root).join("ballast")));
                return Self { root, ballast, _holder: holder, _mounted_at: mounted_at };
            }
            said.push(line);
        }
        panic!("{said:?}: this test mounts a file system; allow user namespaces, or run it as root");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

/// A file that takes all the remaining space, or does not exist.
pub(crate) struct Ballast(PathBuf);

impl Ballast {
    pub(crate) fn fill(&self) {
        let mut file = fs::File::options().create(true).append(true).open(&self.0).unwrap();
        for piece in [&[0; 1 << 20][..], &[0; 4096], &[0]] {
            let error = (0..).find_map(|_| file.write_all(piece).err()).unwrap();
            assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
        }
    }

    pub(crate) fn make_room(&self) {
        fs::remove_file(&self.0).unwrap();
    }
}
