//! [`serve`]: whether a program that was built to be shipped serves. It is started, asked and ended as an operator would.
//!
//! The trial has plain HTTP, https with a certificate of its own, and a journal. So the C code of dependencies runs too.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

/// Time for each thing that is waited for. A program in an emulator is slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// Words of the log before an address.
const LISTENING: &str = "listening on ";

/// Starts `program` as a server, opens a stream, publishes over http and https, and ends it with SIGTERM. Returns what
/// `--version` prints. `words` stand before the arguments: the program, or an emulator and the program.
pub(crate) fn serve(words: &[&str]) -> Result<String, String> {
    let (program, before) = words.split_first().ok_or("an empty command line")?;
    let version = output(Command::new(program).args(before).arg("--version"))?;
    let home = Home::new()?;
    let mut server = Command::new(program);
    server.args(before).args(["serve", "--listen=127.0.0.1:0", "--listen-tls=127.0.0.1:0", "--tls-self-signed"]);
    server.arg("--journal").arg(home.0.join("journal"));
    for (name, _) in env::vars().filter(|(name, _)| name.starts_with("FANFARE_")) {
        server.env_remove(name);
    }
    let mut server = Running::start(&mut server)?;
    let (plain, secure) = addresses(&mut server)?;

    let mut stream =
        Running::start(Command::new("curl").args(["-sSN", "--max-time", "120", &format!("{plain}/channels/trial")]))?;
    stream.line(": connection ")?;
    for (url, text) in [(&plain, "over http"), (&secure, "over https")] {
        let url = format!("{url}/channels/trial");
        let answer = output(Command::new("curl").args(["-sSk", "--max-time", "60", "-d", text, &url]))?;
        if !answer.contains(r#""matched":1"#) {
            return Err(format!("a publish {text} was answered with {answer}"));
        }
        stream.line(&format!("data: {text}"))?;
    }
    output(Command::new("kill").args(["-TERM", &server.child.id().to_string()]))?;
    let status = server.end()?;
    if status.success() { Ok(version.trim().to_owned()) } else { Err(format!("it drained and ended with {status}")) }
}

/// The URLs of the two listeners, in any order of the log.
fn addresses(server: &mut Running) -> Result<(String, String), String> {
    let (mut plain, mut secure) = (None, None);
    while plain.is_none() || secure.is_none() {
        let line = server.line(LISTENING)?;
        let url = line.split(LISTENING).nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap_or_default();
        let place = if url.starts_with("https:") { &mut secure } else { &mut plain };
        *place = Some(url.to_owned());
    }
    plain.zip(secure).ok_or_else(|| "it does not listen".to_owned())
}

/// The output of a command that succeeds.
fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?} could not be started: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    Err(format!("{command:?} failed ({}): {text}{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

/// A process whose lines are read. Its drop kills it.
struct Running {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    fn start(command: &mut Command) -> Result<Self, String> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{command:?} could not be started: {error}"))?;
        let outputs: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|output| Box::new(output) as Box<dyn Read + Send>),
            child.stderr.take().map(|output| Box::new(output) as Box<dyn Read + Send>),
        ];
        let (sender, lines) = channel();
        for output in outputs.into_iter().flatten() {
            let sender = sender.clone();
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Self { child, lines, seen: Vec::new() })
    }

    /// The next line with `text`.
    fn line(&mut self, text: &str) -> Result<String, String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                return Err(format!("no line with `{text}` came; these came:\n{}", self.seen.join("\n")));
            };
            self.seen.push(line.clone());
            if line.contains(text) {
                return Ok(line);
            }
        }
    }

    fn end(&mut self) -> Result<ExitStatus, String> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match self.child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) => thread::sleep(Duration::from_millis(20)),
                Err(error) => return Err(format!("its end cannot be seen: {error}")),
            }
        }
        Err("it does not end after SIGTERM".to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory that is removed in the end.
struct Home(PathBuf);

impl Home {
    fn new() -> Result<Self, String> {
        let path = env::temp_dir().join(format!("fanfare-trial-{}", std::process::id()));
        fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_serve_is_told_with_what_it_printed() {
        let why = serve(&["echo"]).unwrap_err();
        assert!(
            why.starts_with("no line with `listening on ` came") && why.contains("serve --listen=127.0.0.1:0"),
            "{why}"
        );
        assert!(serve(&["false"]).unwrap_err().contains("failed (exit status: 1)"));
        assert!(serve(&["no-such-program-here"]).unwrap_err().contains("could not be started"));
    }
}
