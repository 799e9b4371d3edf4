//! A program that was started here: it ends with its owner, and its last lines are kept for the case that it fails.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many of its last lines are kept.
const TAIL_LINES: usize = 12;
/// How many lines wait for a reader. Later ones are only kept in the tail.
const LINES_MAX: usize = 256;
/// How long it may take to end when asked to.
const END_TIMEOUT: Duration = Duration::from_secs(5);
/// How long its last lines may take to come after its end.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_millis(500);
/// How often it is looked at while it is waited for.
pub(crate) const POLL: Duration = Duration::from_millis(10);

type Tail = Arc<Mutex<VecDeque<String>>>;

/// A child process. Asked to end when dropped, and killed if it does not.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    tail: Tail,
    lines: Receiver<String>,
}

impl Program {
    /// Reads the outputs of `child` that are piped and were not taken.
    pub(crate) fn follow(mut child: Child) -> Self {
        let (tail, (sender, lines)) = (Tail::default(), sync_channel(LINES_MAX));
        if let Some(stdout) = child.stdout.take() {
            read_lines(stdout, &tail, sender.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            read_lines(stderr, &tail, sender);
        }
        Self { child, tail, lines }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its exit status, once it has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        // An error would mean that it is no child of ours any more: it has ended, and nobody knows how.
        self.child.try_wait().unwrap_or_else(|_| Some(ExitStatus::default()))
    }

    /// The next line that it prints, or `None` if none comes within [`POLL`].
    pub(crate) fn next_line(&self) -> Option<String> {
        match self.lines.recv_timeout(POLL) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(POLL);
                None
            }
        }
    }

    /// The last lines that it said, after it has ended or while it runs.
    pub(crate) fn last_words(&mut self) -> String {
        let deadline = Instant::now() + LAST_WORDS_TIMEOUT;
        // The readers end when everything was read, unless a child of its own holds the other end.
        while self.ended().is_some()
            && self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok()
        {}
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = tail.iter().map(String::as_str).collect();
        if lines.is_empty() { "it said nothing".to_owned() } else { format!("it said:\n  {}", lines.join("\n  ")) }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.ended().is_some() {
            return;
        }
        // The child may have ended since. It is not reaped before the wait below, so the number is still its own.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let deadline = Instant::now() + END_TIMEOUT;
        while self.ended().is_none() {
            if Instant::now() >= deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(POLL);
        }
    }
}

/// The file of this name in one of the directories of PATH.
pub(crate) fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}

/// Sends SIGTERM to a process that is not reaped yet, or whose number nobody else can have.
pub(crate) fn ask_to_end(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
        // It may have ended, and then there is nothing to ask.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}

fn read_lines(output: impl Read + Send + 'static, tail: &Tail, sender: SyncSender<String>) {
    let tail = Arc::clone(tail);
    std::thread::spawn(move || {
        let (mut reader, mut line) = (BufReader::new(output), Vec::new());
        while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            let _ = sender.try_send(text.clone());
            let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
            tail.push_back(text);
            if tail.len() > TAIL_LINES {
                tail.pop_front();
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn start(script: &str) -> Program {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped()).stderr(Stdio::piped());
        Program::follow(command.spawn().unwrap())
    }

    /// The next line, within a bound.
    fn line(program: &Program) -> String {
        let deadline = Instant::now() + END_TIMEOUT;
        loop {
            match program.next_line() {
                Some(line) => return line,
                None => assert!(Instant::now() < deadline, "no line came"),
            }
        }
    }

    /// The exit status and the last words of a script that has ended by itself.
    fn end(script: &str) -> (Option<i32>, String) {
        let mut program = start(script);
        let deadline = Instant::now() + END_TIMEOUT;
        while program.ended().is_none() {
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(POLL);
        }
        (program.ended().and_then(|status| status.code()), program.last_words())
    }

    #[test]
    fn what_both_outputs_said_last_is_kept() {
        let (status, words) = end("echo out; printf err >&2; exit 3");
        assert_eq!(status, Some(3));
        assert!(words.contains("\n  out") && words.contains("\n  err"), "{words}");
        let (_, words) = end("for i in $(seq 100); do echo line $i; done");
        assert!(words.ends_with("\n  line 100"), "{words}");
        assert_eq!(words.lines().count(), 1 + TAIL_LINES, "{words}");
    }

    #[test]
    fn it_ends_with_its_owner() {
        let program = start("echo ready; exec sleep 600");
        let place = format!("/proc/{}", program.pid());
        assert_eq!(line(&program), "ready");
        drop(program);
        assert!(!std::path::Path::new(&place).exists());
    }
}
