//! [`Site`]: the servers, streams and browser pages that run for the blocks of one page.

use std::{
    fs,
    io::Read as _,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    browser::Browser,
    desk::Desk,
    page::{Block, Directive},
    support::{PATIENCE, Process, ended_within, until},
};

#[derive(Default)]
pub(crate) struct Site {
    servers: Vec<Process>,
    listeners: Vec<Listener>,
}

/// A stream or a browser page, with the output that must come before its end.
struct Listener {
    source: Source,
    expects: Vec<String>,
}

enum Source {
    Command(Process),
    Page(Browser),
}

impl Site {
    /// Starts each command as a server.
    pub(crate) fn serve(&mut self, desk: &Desk, commands: &[String], directive: &Directive) -> Result<(), String> {
        let mut ports = directive.value("port").unwrap_or_default().split_whitespace();
        for command in commands {
            let mut process = Process::start(&mut desk.shell(command));
            if is_fanfare(command) {
                process.url();
            } else {
                let port = ports.next().and_then(|port| port.parse().ok()).ok_or(format!(
                    "`{command}` is not fanfare: say on which port it listens: <!-- test: server port=\"8080\" -->"
                ))?;
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
                until(&format!("`{command}` listens on {address}"), || {
                    // What it complains of is seen when the test fails.
                    process.has_said("");
                    TcpStream::connect(address).is_ok()
                });
            }
            self.servers.push(process);
        }
        Ok(())
    }

    /// Starts each command as a stream. All are open when this returns.
    pub(crate) fn listen(&mut self, desk: &Desk, commands: &[String], directive: &Directive) {
        for (index, command) in commands.iter().enumerate() {
            let before = self.listeners.len();
            let mut process = Process::start(&mut desk.shell(command));
            // curl prints the first lines of a stream, fanfare only its events.
            let prints_all = command.starts_with("curl");
            until(&format!("the stream of `{command}` is open"), || {
                process.has_said(": connection ") || !prints_all && self.opened() > before
            });
            let of_this = format!("expects-{}", index + 1);
            let expects = directive.all("expects").chain(directive.all(&of_this)).map(str::to_owned).collect();
            self.listeners.push(Listener { source: Source::Command(process), expects });
        }
    }

    /// Opens a browser page with the block as its script.
    pub(crate) fn open_page(&mut self, desk: &Desk, block: &Block, directive: &Directive) {
        let before = self.listeners.len();
        let at = directive.value("at").unwrap_or("http://127.0.0.1:3000");
        let mut page = Browser::open(desk, &format!("{at}/a-page-of-the-docs"), Some(&block.text));
        until("the page has opened its stream", || {
            assert!(!page.process.has_said("error in the page"), "{:#?}", page.process.seen());
            self.opened() > before
        });
        let expects = directive.all("expects").map(str::to_owned).collect();
        self.listeners.push(Listener { source: Source::Page(page), expects });
    }

    /// Waits for the expected output of each, then ends all, streams first.
    pub(crate) fn end(&mut self) {
        for mut listener in self.listeners.drain(..) {
            let process = match &mut listener.source {
                Source::Command(process) => process,
                Source::Page(page) => &mut page.process,
            };
            for text in &listener.expects {
                if !process.has_said(text) {
                    process.line_with(text);
                }
            }
        }
        for mut server in self.servers.drain(..).rev() {
            server.signal("TERM");
            server.exit();
        }
    }

    /// Number of streams that the servers have logged as opened. A log line may come later than the client's success.
    fn opened(&mut self) -> usize {
        let opened = |server: &mut Process| {
            server.has_said("");
            server.seen().iter().filter(|line| line.contains(" open connection=")).count()
        };
        self.servers.iter_mut().map(opened).sum()
    }
}

fn is_fanfare(command: &str) -> bool {
    let mut words = command.split_whitespace().skip_while(|word| word.contains('=') && !word.starts_with('-'));
    words.next().is_some_and(|word| word == "fanfare" || word == "cargo" || word.ends_with("/fanfare"))
}

/// Runs a command to its end. Returns its exit code and output. Processes that it leaves behind go on.
pub(crate) fn run(desk: &Desk, command: &mut Command, time_max: Duration) -> Result<(i32, String), String> {
    let path = desk.path("output");
    let output = fs::File::create(&path).unwrap();
    command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    match ended_within(&mut child, time_max.max(PATIENCE)) {
        Some(status) => Ok((status.code().unwrap_or(-1), read(&path))),
        None => Err(format!("it has not ended within {time_max:?}; it printed: {}", read(&path))),
    }
}

fn read(path: &std::path::Path) -> String {
    let mut bytes = Vec::new();
    fs::File::open(path).unwrap().read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
