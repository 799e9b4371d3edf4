//! [`Engine`]: the browsers that the tests open pages in.

use std::{fs, path::Path};

use super::demand;

/// A browser with an EventSource of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Chromium,
    Firefox,
    /// In WebKitGTK's MiniBrowser.
    WebKit,
}

impl Engine {
    /// The name in clients/engine.js.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::WebKit => "webkit",
        }
    }

    /// Fails with the installation that it needs if it is not there.
    #[track_caller]
    pub(crate) fn demand(self) {
        match self {
            Self::Chromium => demand(Path::new("/usr/bin/chromium"), "Debian's package chromium"),
            Self::Firefox => demand(Path::new("/usr/bin/firefox-esr"), "Debian's package firefox-esr"),
            Self::WebKit => {
                demand(Path::new("/usr/bin/Xvfb"), "Debian's package xvfb");
                demand_mini_browser();
            }
        }
    }
}

/// Fails unless MiniBrowser is there. The name of its directory holds the architecture.
#[track_caller]
fn demand_mini_browser() {
    let libraries = fs::read_dir("/usr/lib").unwrap().map_while(Result::ok);
    let mut paths = libraries.map(|library| library.path().join("webkit2gtk-4.1/MiniBrowser"));
    let found = paths.find(|path| path.exists());
    let found = found.unwrap_or_else(|| "/usr/lib/ARCHITECTURE/webkit2gtk-4.1/MiniBrowser".into());
    demand(&found, "Debian's package libwebkit2gtk-4.1-0");
}
