//! One run of the load generator as a child on its own cores, within a time limit. The load generator is this same
//! program.
//!
//! Its result is the JSON on its stdout, faults or not. A run that hangs is killed and has no result.

use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{TryRecvError, channel};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::compare::cores::Cores;
use crate::compare::load::Load;
use crate::interrupt::Interrupt;
use crate::program::{POLL, Program};

/// The time beyond its own --timeout after which a run is taken for hung.
const GRACE: Duration = Duration::from_secs(30);
/// The exit status for a fault that a different command line, or a different machine, would cure.
const STATUS_USAGE: i32 = 2;

/// The end of a run.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// The figures that the generator printed, its faults among them.
    Figures(Map<String, Value>),
    /// The reason why it printed no figures.
    Failed(String),
}

/// The reason why the comparison cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GeneratorError {
    #[error("cannot start the load generator: {0}")]
    Start(#[source] io::Error),
    #[error("`{command}` cannot run here; {last_words}")]
    Usage { command: String, last_words: String },
    #[error("interrupted")]
    Interrupted,
}

/// Puts `load` on the server that `target` leads to.
pub(crate) fn run(
    command: &[String],
    load: Load,
    cores: &Cores,
    interrupt: &Interrupt,
) -> Result<Outcome, GeneratorError> {
    let limit = load.timeout() + GRACE;
    let deadline = Instant::now() + limit;
    let (name, args) = command.split_first().ok_or_else(|| GeneratorError::Start(io::ErrorKind::NotFound.into()))?;
    let mut command_line = Command::new(name);
    command_line.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = cores.start_generator(&mut command_line).map_err(GeneratorError::Start)?;
    let (sender, printed) = channel();
    if let Some(mut stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // Bytes that were read before an error may be all there is.
            let _ = stdout.read_to_end(&mut bytes);
            let _ = sender.send(bytes);
        });
    }
    let mut program = Program::follow(child);
    let mut bytes = None;
    let status = loop {
        match printed.try_recv() {
            Ok(all) => bytes = Some(all),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
        }
        if interrupt.came() {
            return Err(GeneratorError::Interrupted);
        }
        // Its outputs are closed only when it has said everything.
        if let (Some(status), Some(_)) = (program.ended(), &bytes) {
            break status;
        }
        if Instant::now() >= deadline {
            return Ok(Outcome::Failed(format!("killed after {limit:?}: it hung; {}", program.last_words())));
        }
        std::thread::sleep(POLL);
    };
    match serde_json::from_slice(&bytes.unwrap_or_default()) {
        Ok(Value::Object(figures)) => Ok(Outcome::Figures(figures)),
        _ if status.code() == Some(STATUS_USAGE) => {
            let (command, last_words) = (command.join(" "), program.last_words());
            Err(GeneratorError::Usage { command, last_words })
        }
        _ => Ok(Outcome::Failed(format!("no result ({status}); {}", program.last_words()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::extra::Extra;
    use crate::compare::load::{Manner, PLAIN};

    fn outcome(script: &str) -> Result<Outcome, GeneratorError> {
        let command = ["sh", "-c", script].map(str::to_owned);
        let manner = Manner::Fanout { rate_per_s: 1, events: 1 };
        let load =
            Load { name: "fanout", manner, connections: 1, size_bytes: 128, transport: &PLAIN, extra: Extra::Nothing };
        run(&command, load, &Cores::Shared, &Interrupt::default())
    }

    #[test]
    fn figures_count_whatever_the_exit_status_is() {
        let outcome = outcome(r#"echo '{"lost": 3}'; echo 'FAULT: lost 3' >&2; exit 1"#);
        assert!(matches!(outcome, Ok(Outcome::Figures(figures)) if figures["lost"] == 3));
    }

    #[test]
    fn a_run_without_figures_says_why() {
        let outcome = outcome("echo 'cannot connect' >&2; exit 1");
        assert!(matches!(outcome, Ok(Outcome::Failed(why)) if why.contains("cannot connect")));
    }

    #[test]
    fn a_wrong_command_line_ends_everything() {
        let outcome = outcome("echo 'too few descriptors' >&2; exit 2");
        assert!(matches!(outcome, Err(GeneratorError::Usage { last_words, .. }) if last_words.contains("too few")));
    }
}
