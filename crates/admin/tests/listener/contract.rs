//! `openapi.json` and the listener say the same: schemathesis makes up requests from the document, and judges the answers.

use std::{fs, process::Command};

use fanfare_admin::{Admin, AdminToken};

use crate::support::{
    listener::Listener,
    parts::{package, python_program},
};

/// Requests for each operation. Twice as many find nothing more, and take twice as long.
const EXAMPLES_MAX: &str = "25";

#[test]
fn schemathesis_finds_no_fault() {
    let token = Some(AdminToken::new("correct-horse").unwrap());
    let listener = Listener::with(Admin { token, ..Admin::default() });
    // Else the first request would end what the others are about.
    listener.made_up.world().has_endless_streams = true;
    let directory = tempfile::tempdir().unwrap();
    let config = package().join("tests/listener/schemathesis.toml");
    let output = Command::new(python_program("schemathesis"))
        .arg("--config-file")
        .arg(&config)
        .args(["run", "src/openapi.json", "--url", &listener.url(), "--seed", "1", "--max-examples", EXAMPLES_MAX])
        .args(["--generation-deterministic", "--no-color", "--request-timeout", "20"])
        .args(["--header", "Authorization: Bearer correct-horse"])
        // Streams never end. They have tests of their own.
        .args(["--exclude-path", "/api/v1/events", "--exclude-path", "/api/v1/tail"])
        .current_dir(package())
        .env("HOME", directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    // It says so even if it has tested nothing.
    assert!(said.contains("21 selected / 23 total") && said.contains("Tested: 21"), "{said}");
    fs::remove_dir_all(directory.path()).unwrap();
}
