//! The units of examples/systemd: systemd accepts them, and fanfare accepts its command line.

use std::fs;

use crate::{
    desk::{Desk, need_programs_of},
    site::run,
    support::PATIENCE,
    tree::root,
};

const STARTS: &str = "ExecStart=/usr/local/bin/fanfare ";
const CONFIGURATION: &str = "/etc/fanfare/fanfare.toml";

#[test]
fn systemd_takes_the_units_and_fanfare_its_flags() {
    need_programs_of("systemd-analyze");
    let desk = Desk::new();
    let unit = fs::read_to_string(root().join("examples/systemd/fanfare.service")).unwrap();
    let flags = unit.lines().find_map(|line| line.strip_prefix(STARTS)).expect("it says how fanfare is started");
    assert!(flags.contains(CONFIGURATION), "{flags}");
    let here = flags.replace(CONFIGURATION, "examples/systemd/fanfare.toml");
    let (code, output) = run(&desk, &mut desk.shell(&format!("fanfare {here} --check")), PATIENCE).unwrap();
    assert_eq!(code, 0, "{output}");

    // The program has to be there, for systemd to take the unit.
    let path = desk.path("fanfare.service");
    fs::write(&path, unit.replace("/usr/local/bin/fanfare", desk.path("bin/fanfare").to_str().unwrap())).unwrap();
    let socket = desk.path("fanfare.socket");
    fs::copy(root().join("examples/systemd/fanfare.socket"), &socket).unwrap();
    let verify = format!("systemd-analyze verify '{}' '{}'", path.display(), socket.display());
    let (code, output) = run(&desk, &mut desk.shell(&verify), PATIENCE).unwrap();
    assert!(code == 0 && output.is_empty(), "{output}");
}
