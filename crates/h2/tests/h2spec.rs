//! h2spec, the suite for servers of HTTP/2, against a small server on this crate.

mod support;

use std::{
    env,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use fanfare_h2::Limits;
use support::answers::serve;
use tokio::net::TcpListener;

/// Cases that fail. None of them may pass. Both change the size of h2spec's table to more than nothing, after h2spec has acknowledged
/// that ours has nothing. Another case wants an error for that. What they are about is in the unit tests of the decoder.
const FAILURES: [&str; 2] =
    ["× 14: Sends a dynamic table size update", "× 15: Sends multiple dynamic table size update"];

/// Where `cargo xtask` has put the program, or where Go puts it.
fn h2spec() -> PathBuf {
    let parts = env::var_os("FANFARE_TEST_PARTS").map(|parts| PathBuf::from(parts).join("go/bin/h2spec"));
    let installed = env::var_os("HOME").map(|home| PathBuf::from(home).join("go/bin/h2spec"));
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/parts/go/bin/h2spec");
    [parts, Some(here), installed].into_iter().flatten().find(|program| program.is_file()).unwrap_or_else(|| {
        panic!("h2spec is not installed: `cargo xtask test` installs it, and so does `go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible`")
    })
}

#[test]
fn every_case_passes_but_those_that_are_listed() {
    let program = h2spec();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let limits = Arc::new(Limits {
        streams_max: 100,
        head_bytes_max: 16_384,
        stream_window_bytes: 65_535,
        connection_window_bytes: 1 << 20,
    });
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    runtime.spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket, Arc::clone(&limits)));
        }
    });

    let output = Command::new(program).args(["-h", "127.0.0.1", "-p", &port, "-o", "4"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).replace('\r', "\n");
    assert!(text.contains("tests, "), "it did not end: {}", String::from_utf8_lossy(&output.stderr));
    // The list of failures at the end says each once more.
    let cases = text.split("\nFailures:").next().unwrap();
    let failed: Vec<_> = cases.lines().map(str::trim).filter(|line| line.starts_with('×')).collect();
    assert_eq!(failed, FAILURES, "{text}");
    assert!(text.contains("145 tests, 143 passed, 0 skipped, 2 failed"), "not the cases of this version: {text}");
}
