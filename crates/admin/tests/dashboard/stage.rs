//! [`Part`]: what one scenario of `page.js` says and is told. All scenarios of this process are played by one process of node, in one
//! browser.

use std::{
    collections::HashMap,
    env,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use serde_json::{Value, json};

use crate::support::parts::package;

const HOW_TO_INSTALL: &str = "run `cargo xtask test -p fanfare-admin`, which installs what the tests need";

/// What a scenario says.
#[derive(Debug)]
pub(crate) enum Said {
    Report(Value),
    Ended,
    Failed(String),
}

/// The process that plays. It ends at the end of its input, which is when this process ends.
struct Stage {
    input: Mutex<ChildStdin>,
    parts: Arc<Mutex<HashMap<u64, Sender<Said>>>>,
    /// What the process has complained about.
    complaints: Arc<Mutex<String>>,
    _child: Child,
}

static STAGE: OnceLock<Stage> = OnceLock::new();
static NEXT: AtomicU64 = AtomicU64::new(1);

/// One playing of a scenario. Its drop leaves the stage.
pub(crate) struct Part {
    number: u64,
    pub(crate) said: Receiver<Said>,
}

impl Part {
    /// Begins the scenario of this name with the page of this address.
    #[track_caller]
    pub(crate) fn play(scenario: &str, url: &str) -> Self {
        let stage = STAGE.get_or_init(Stage::start);
        let (sender, said) = channel();
        // Only a number that nobody else has.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        stage.parts.lock().unwrap_or_else(PoisonError::into_inner).insert(number, sender);
        let part = Self { number, said };
        part.order(&json!([number, "play", scenario, url]));
        part
    }

    /// Lets the scenario go on, with something that it has to know.
    pub(crate) fn tell(&self, what: &str) {
        self.order(&json!([self.number, "tell", what]));
    }

    /// What the process has complained about.
    pub(crate) fn complaints() -> String {
        let stage = STAGE.get().expect("a part is played on a stage");
        stage.complaints.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn order(&self, line: &Value) {
        let stage = STAGE.get().expect("a part is played on a stage");
        // Where the process has ended, the next word is missing, and that is told.
        let _ = writeln!(stage.input.lock().unwrap_or_else(PoisonError::into_inner), "{line}");
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.order(&json!([self.number, "leave"]));
        let stage = STAGE.get().expect("a part is played on a stage");
        stage.parts.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

impl Stage {
    #[track_caller]
    fn start() -> Self {
        let parts = env::var_os("FANFARE_TEST_PARTS").map(PathBuf::from);
        let parts = parts.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("parts"));
        let modules = parts.join("node_modules");
        for part in [Path::new("/usr/bin/chromium"), &modules.join("playwright-core"), &modules.join("axe-core")] {
            assert!(part.exists(), "{} is missing: {HOW_TO_INSTALL}", part.display());
        }
        let mut command = Command::new("node");
        command.env("NODE_PATH", modules).env("NO_PROXY", "*").env("no_proxy", "*");
        command.arg(package().join("tests/dashboard/page.js"));
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("node: {error}: {HOW_TO_INSTALL}"));
        let (parts, complaints) = (Arc::<Mutex<HashMap<_, Sender<_>>>>::default(), Arc::<Mutex<String>>::default());
        let (heard, output) = (Arc::clone(&parts), BufReader::new(child.stdout.take().unwrap()));
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let (number, said) = read(&line);
                let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                // A part that has left is not listened to any more.
                heard.get(&number).map(|part| part.send(said));
            }
            // Nobody says anything any more.
            heard.lock().unwrap_or_else(PoisonError::into_inner).clear();
        });
        let (complained, mut errors) = (Arc::clone(&complaints), child.stderr.take().unwrap());
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = errors.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..read]);
                complained.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
            }
        });
        Self { input: Mutex::new(child.stdin.take().unwrap()), parts, complaints, _child: child }
    }
}

fn read(line: &str) -> (u64, Said) {
    let mut line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let said = match line[1].as_str() {
        Some("report") => Said::Report(line[2].take()),
        Some("ended") => Said::Ended,
        Some("failed") => Said::Failed(line[2].as_str().unwrap_or_default().to_owned()),
        _ => panic!("{line}"),
    };
    (line[0].as_u64().unwrap(), said)
}
