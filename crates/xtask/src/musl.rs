//! `cargo xtask static`: programs that need no library of the system, for x86-64 and arm64, linked with musl. Each is tried:
//! the first runs here, the second in an emulator.

use std::fs;

use crate::{
    dist, install,
    invocation::{Invocation, Workspace},
    release_parts, targets, trial,
};

/// A system, and what runs its programs on a machine that is none.
struct System {
    target: &'static str,
    machine: &'static str,
    emulator: &'static str,
}

const SYSTEMS: [System; 2] = [
    System { target: "x86_64-unknown-linux-musl", machine: "x86_64", emulator: "qemu-x86_64-static" },
    System { target: "aarch64-unknown-linux-musl", machine: "aarch64", emulator: "qemu-aarch64-static" },
];

pub(crate) fn run(workspace: &Workspace) -> Result<(), String> {
    install::provide(workspace, "a static program needs", release_parts::STATIC)?;
    let host = dist::host(workspace)?;
    let mut lines = Vec::new();
    for system in &SYSTEMS {
        targets::provide(workspace, system.target)?;
        workspace.run(&dist::build(workspace, "zigbuild", system.target)?)?;
        let program = dist::program(workspace, system.target);
        let path = program.display().to_string();
        let size = fs::metadata(&program).map_err(|error| format!("{path}: {error}"))?.len();
        needs_nothing(workspace, &path)?;
        let is_native = host.starts_with(system.machine);
        let words = if is_native { vec![path.as_str()] } else { vec![system.emulator, &path] };
        let version = trial::serve(&words).map_err(|why| format!("{path}: {why}"))?;
        let place = if is_native { "here" } else { system.emulator };
        lines.push(format!("{path}: {version}, {size} bytes, needs no library, has served in a trial ({place})"));
    }
    println!("{}", lines.join("\n"));
    Ok(())
}

/// Checks that the program names neither a library nor a program that loads them.
fn needs_nothing(workspace: &Workspace, path: &str) -> Result<(), String> {
    let seen = workspace.ask(&Invocation::new(&["readelf", "--wide", "--dynamic", "--program-headers", path]))?;
    dynamic(&seen).map_or(Ok(()), |line| Err(format!("{path} is not static: {line}")))
}

/// The line of readelf that says that something else is loaded.
fn dynamic(seen: &str) -> Option<&str> {
    seen.lines().map(str::trim).find(|line| line.contains("(NEEDED)") || line.starts_with("INTERP"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_loads_something_is_not_static() {
        let loads =
            "  INTERP         0x000318 0x318 R   0x1\n 0x0000000000000001 (NEEDED)   Shared library: [libc.so.6]\n";
        assert_eq!(dynamic(loads).unwrap(), "INTERP         0x000318 0x318 R   0x1");
        assert!(dynamic(loads.lines().nth(1).unwrap()).unwrap().contains("libc.so.6"));
        assert_eq!(dynamic("  LOAD           0x000000\n 0x0000000000000007 (RELA)  0x2a0\n"), None);
    }
}
