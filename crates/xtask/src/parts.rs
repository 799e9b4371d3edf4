//! The table of what the tests need and cargo does not bring: [`PARTS`]. A new need is a new row, in any order.
//!
//! install.rs looks for each part and installs what is missing, Debian packages first, so that npm and pip can be parts
//! too. Those two install into `target/parts`, which is in `PATH` and `NODE_PATH` for everything that xtask runs.

/// One program or library that the tests cannot run without.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// Run at the repository root. The part is there when this succeeds and prints `seen_by_output`.
    pub(crate) seen_by: &'static [&'static str],
    /// Empty when success alone is proof.
    pub(crate) seen_by_output: &'static str,
    pub(crate) package: Package,
    /// What the tests do with it, for whoever is asked to install it.
    pub(crate) why: &'static str,
}

/// What brings a part, by who installs it.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "the kinds a row may use; not each is in use at all times")]
pub(crate) enum Package {
    /// The name of a Debian package.
    Debian(&'static str),
    /// An npm package with its version: `eventsource@5.1.5`. Loaded with `require`.
    Npm(&'static str),
    /// A pip requirement with its version: `schemathesis==4.32.5`. Needs the Debian package `python3-venv`.
    Pip(&'static str),
}

pub(crate) const PARTS: &[Part] = &[Part {
    name: "curl with HTTP/2",
    seen_by: &["curl", "--version"],
    seen_by_output: "HTTP2",
    package: Package::Debian("curl"),
    why: "an independent client reads streams over HTTP/1.1 and HTTP/2",
}];
