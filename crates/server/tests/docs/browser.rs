//! [`Browser`]: a page in a headless Chromium. Tests read its console line by line, and run code in it.

use std::{
    io::{Write as _, pipe},
    path::Path,
    process::Stdio,
};

use crate::{
    desk::Desk,
    support::Process,
    tree::{parts, root},
};

/// An open page. Its drop closes the browser.
pub(crate) struct Browser {
    pub(crate) process: Process,
    input: std::io::PipeWriter,
    asked: usize,
}

impl Browser {
    /// Opens this URL. If there is a `script`, the page gets it instead of the server's answer.
    pub(crate) fn open(desk: &Desk, url: &str, script: Option<&str>) -> Self {
        for part in [Path::new("/usr/bin/chromium"), &parts().join("node_modules/playwright-core")] {
            let path = part.display();
            assert!(part.exists(), "{path} is missing: run `cargo xtask test`, which installs what the tests need");
        }
        let page = root().join("crates/server/tests/docs/page.js");
        let mut command = desk.program("node", &[page.to_str().unwrap(), url]);
        command.args(script);
        let (output, input) = pipe().unwrap();
        let mut process = Process::start_with_input(&mut command, Stdio::from(output));
        process.line_with("the page is open");
        Self { process, input, asked: 0 }
    }

    /// Waits for a line of the console.
    #[track_caller]
    pub(crate) fn says(&mut self, text: &str) -> String {
        self.process.line_with(text)
    }

    /// The value of an expression, as JSON. It may be a promise. `reload` loads the page again.
    #[track_caller]
    pub(crate) fn value(&mut self, expression: &str) -> String {
        assert!(!expression.contains('\n'), "one line is one expression");
        self.asked += 1;
        writeln!(self.input, "{expression}").unwrap();
        let mark = format!("answer {}: ", self.asked);
        let line = self.process.line_with(&mark);
        line.strip_prefix(&mark).unwrap_or(&line).to_owned()
    }
}
