//! Runs a command and hears every line that it prints. Standard output and standard error keep their common order.
//!
//! The run ends with the command, even if a process that the command started still holds the output open.

use std::{
    io::{self, Read as _},
    process::{Child, ExitStatus},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use crate::invocation::{Invocation, Workspace};

/// Interval of checks whether a silent command has ended.
const LOOK: Duration = Duration::from_millis(100);
/// Time to read the rest of the pipe after the command has ended. Later output is from a process that the command left
/// behind.
const REST: Duration = Duration::from_secs(2);

impl Workspace {
    /// Runs a command and calls `hear` with each line, without its line break. Prints no line itself. An error means
    /// that the command could not run at all.
    pub(crate) fn follow(&self, invocation: &Invocation, mut hear: impl FnMut(&str)) -> Result<ExitStatus, String> {
        println!("$ {invocation}");
        let broken = |error: io::Error| format!("`{invocation}` could not be followed: {error}");
        let (mut output, end) = io::pipe().map_err(broken)?;
        let mut command = self.command(invocation)?;
        // The lines are parsed. A caller's wish for colours would change them.
        command.env("CARGO_TERM_COLOR", "never").stdout(end.try_clone().map_err(broken)?).stderr(end);
        let child = command.spawn().map_err(|error| format!("`{invocation}` could not be started: {error}"))?;
        // Drops the last write ends in this process, so that the reader sees when all others are closed.
        drop(command);
        let (sender, chunks) = channel();
        thread::spawn(move || {
            let mut chunk = [0; 8192];
            // A read error also ends the loop. The command's status tells the rest.
            while let Ok(bytes @ 1..) = output.read(&mut chunk) {
                if sender.send(chunk[..bytes].to_owned()).is_err() {
                    return;
                }
            }
        });
        until_it_ends(child, &chunks, &mut hear).map_err(broken)
    }
}

fn until_it_ends(mut child: Child, chunks: &Receiver<Vec<u8>>, hear: &mut dyn FnMut(&str)) -> io::Result<ExitStatus> {
    let mut unfinished = Vec::new();
    let mut ended: Option<Instant> = None;
    let status = loop {
        match chunks.recv_timeout(LOOK) {
            Ok(chunk) => {
                unfinished.extend(chunk);
                hear_lines(&mut unfinished, hear);
            }
            Err(RecvTimeoutError::Disconnected) => break child.wait()?,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some(status) = child.try_wait()?
            && ended.get_or_insert_with(Instant::now).elapsed() > REST
        {
            break status;
        }
    };
    if !unfinished.is_empty() {
        hear(&String::from_utf8_lossy(&unfinished));
    }
    Ok(status)
}

/// Takes the whole lines out of `unfinished`.
fn hear_lines(unfinished: &mut Vec<u8>, hear: &mut dyn FnMut(&str)) {
    let Some(last) = unfinished.iter().rposition(|byte| *byte == b'\n') else { return };
    let rest = unfinished.split_off(last + 1);
    String::from_utf8_lossy(unfinished).lines().for_each(hear);
    *unfinished = rest;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(script: &str) -> (Vec<String>, ExitStatus) {
        let mut lines = Vec::new();
        let invocation = Invocation::new(&["sh", "-c", script]);
        let status = Workspace::find().unwrap().follow(&invocation, |line| lines.push(line.to_owned())).unwrap();
        (lines, status)
    }

    #[test]
    fn both_outputs_are_heard_in_their_order_to_the_last_byte() {
        let (lines, status) = follow("echo one; echo two >&2; echo three; printf 'no end'; exit 3");
        assert_eq!(lines, ["one", "two", "three", "no end"]);
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn a_process_that_is_left_behind_is_not_waited_for() {
        let start = Instant::now();
        let (lines, status) = follow("sleep 60 & echo $!; exit 0");
        assert!(status.success() && start.elapsed() < Duration::from_secs(30));
        let left = Invocation::new(&["kill", &lines[0]]);
        Workspace::find().unwrap().run(&left).unwrap();
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let absent = Workspace::find().unwrap().follow(&Invocation::new(&["no-such-program-here"]), |_| {});
        assert!(absent.unwrap_err().contains("`no-such-program-here` could not be started"));
    }
}
