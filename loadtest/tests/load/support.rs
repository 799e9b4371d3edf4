//! A tiny event-stream server on a port of its own, which keeps the contract or breaks it in one chosen way, and the
//! load generator run against it. Threads and blocking sockets only.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The behaviour of the server. Events count from 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Manner {
    /// Every event to every stream, in the chunked coding.
    Honest,
    /// The same, without any coding: the stream ends when the connection does.
    Plain,
    /// Only to the streams whose path has the same name in it as that of the publish. All of the following manners
    /// about streams that come back do so too.
    Routes,
    /// A stream that comes back with a `Last-Event-ID` first gets the events that it has missed.
    Resumes,
    /// The same, and the last event that it had once more.
    Rewinds,
    /// A stream that comes back gets none of the events that it has missed.
    Forgets,
    /// A stream that comes back gets only the last `kept` of the events that it has missed. `is_told`: whether the
    /// stream says so.
    Expires {
        kept: usize,
        is_told: bool,
    },
    /// Every answer to a publish says `connection: close`.
    ClosesPublisher,
    /// The publisher's connection is closed after every answer, without a word.
    ClosesPublisherSilently,
    /// Every answer to a publish takes 20 ms.
    Dawdles,
    /// Streams that are opened after the first publish get nothing, end right after their heads, or have this status.
    MuteToLater,
    ClosesLater,
    RefusesLater(&'static str),
    /// The ids are too long to be kept.
    LongIds,
    /// The first stream does not get this event.
    Loses(usize),
    /// The first stream does not get `count` events from `from` on, and is told that `told` are missing.
    Skips {
        from: usize,
        count: usize,
        told: Option<usize>,
    },
    /// The first stream gets this event twice.
    Repeats(usize),
    /// The first stream gets this event after the next.
    Swaps(usize),
    /// The first stream gets this event with a byte too many.
    Damages(usize),
    /// All streams end before this event.
    ClosesBefore(usize),
    /// Every stream ends right after its head.
    ClosesStreams,
    /// Every answer to a subscriber has this status.
    RefusesStreams(&'static str),
    /// Every answer to a publish has this status.
    RefusesPublishes(&'static str),
    /// This line of each batch is not published, and the answer says so, or counts one too few, or counts nothing.
    FailsLine(usize),
    Miscounts,
    CountsNothing,
    /// A page instead of a stream.
    Page,
    /// Accepts, reads, and says nothing: to anybody, or to publishers.
    Mute,
    MuteToPublishers,
}

impl Manner {
    fn routes(self) -> bool {
        let comes_back = matches!(self, Self::Resumes | Self::Rewinds | Self::Forgets | Self::Expires { .. });
        comes_back || matches!(self, Self::Routes | Self::LongIds | Self::RefusesLater(_))
    }
}

fn gap(missed: Option<usize>, reason: &str) -> String {
    let missed = missed.map_or("null".to_owned(), |missed| missed.to_string());
    let (from, to) = ("1763654400123-4", "1763654400456-18446744073709551615");
    format!(
        "event: fanfare.gap\ndata: {{\"from\":\"{from}\",\"to\":\"{to}\",\"missed\":{missed},\"reason\":\"{reason}\"}}\n\n"
    )
}

struct Server {
    manner: Manner,
    /// Each open stream, with the name in its path.
    streams: Mutex<Vec<(String, TcpStream)>>,
    /// Each event, with the name in the path that it was published to.
    history: Mutex<Vec<(String, Vec<u8>)>>,
    /// The events that the first stream is still owed, and how many there were.
    held: Mutex<(Option<Vec<u8>>, usize)>,
    /// How many streams were opened at each port, and how many publishes it took.
    taken: Mutex<HashMap<u16, (usize, usize)>>,
}

/// Starts a server that lasts as long as the test's process.
pub(crate) fn serve(manner: Manner) -> SocketAddr {
    let [address] = Nodes::start(manner).addresses;
    address
}

/// Several ports of one server. The streams of all ports have the events of all ports, in one order.
pub(crate) struct Nodes<const N: usize> {
    server: Arc<Server>,
    pub(crate) addresses: [SocketAddr; N],
}

impl<const N: usize> Nodes<N> {
    pub(crate) fn start(manner: Manner) -> Self {
        let (streams, history, held, taken) = Default::default();
        let server = Arc::new(Server { manner, streams, history, held, taken });
        let addresses = std::array::from_fn(|_| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let server = Arc::clone(&server);
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    let server = Arc::clone(&server);
                    std::thread::spawn(move || server.answer(stream.unwrap()));
                }
            });
            address
        });
        Self { server, addresses }
    }

    /// How many streams were opened at each, and how many publishes it took.
    pub(crate) fn taken(&self) -> [(usize, usize); N] {
        let taken = self.server.taken.lock().unwrap();
        self.addresses.map(|address| taken.get(&address.port()).copied().unwrap_or_default())
    }

    /// The flags that say where they are.
    pub(crate) fn flags(&self) -> String {
        let [first, others @ ..] = &self.addresses[..] else { unreachable!("there is one at least") };
        let others: Vec<_> = others.iter().map(|other| format!("http://{other}")).collect();
        format!("--url http://{first} --nodes {}", others.join(","))
    }
}

impl Server {
    fn answer(&self, mut stream: TcpStream) {
        stream.set_nodelay(true).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some(Request { line, last_event_id, body }) = read_request(&mut reader) {
            if self.manner == Manner::Mute {
                continue;
            }
            let path = line.split(' ').nth(1).unwrap();
            let name = path.find("load-").map_or("", |at| path[at..].split(['/', '&']).next().unwrap());
            {
                let mut taken = self.taken.lock().unwrap();
                let (streams, publishes) = taken.entry(stream.local_addr().unwrap().port()).or_default();
                *(if line.starts_with("GET ") { streams } else { publishes }) += 1;
            }
            if line.starts_with("GET ") {
                self.subscribe(&mut stream, name, last_event_id);
                continue;
            }
            let extra = if self.manner == Manner::ClosesPublisher { "connection: close\r\n" } else { "" };
            match self.manner {
                Manner::MuteToPublishers => continue,
                Manner::RefusesPublishes(status) => answer(&mut stream, status, "no such channel\n", ""),
                _ if path == "/publish" => {
                    let counts = self.publish_batch(&body);
                    answer(&mut stream, "202 Accepted", &counts, "");
                }
                _ => {
                    self.publish(name, &body);
                    if self.manner == Manner::Dawdles {
                        std::thread::sleep(Duration::from_millis(20));
                    }
                    answer(&mut stream, "202 Accepted", "{\"id\":\"1-1\",\"matched\":1}", extra);
                }
            }
            if !extra.is_empty() || self.manner == Manner::ClosesPublisherSilently {
                return stream.shutdown(std::net::Shutdown::Both).unwrap();
            }
        }
    }

    fn subscribe(&self, stream: &mut TcpStream, name: &str, last_event_id: Option<usize>) {
        let is_later = self.held.lock().unwrap().1 > 0;
        let coding = match self.manner {
            Manner::RefusesStreams(status) => return answer(stream, status, "", ""),
            Manner::RefusesLater(status) if is_later => return answer(stream, status, "", ""),
            Manner::Page => return answer(stream, "200 OK", "<p>", "content-type: text/html\r\n"),
            Manner::Plain => "",
            _ => "transfer-encoding: chunked\r\n",
        };
        // Registered under the lock, so that no event goes out before the head.
        let mut streams = self.streams.lock().unwrap();
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{coding}\r\n").unwrap();
        self.send(stream, b"retry: 1000\n: hello\n");
        match self.manner {
            Manner::ClosesStreams => return stream.shutdown(std::net::Shutdown::Both).unwrap(),
            // The other side may have left already.
            Manner::ClosesLater if is_later => return drop(stream.shutdown(std::net::Shutdown::Both)),
            Manner::MuteToLater if is_later => return,
            _ => {}
        }
        if let Some(last) = last_event_id {
            self.replay(stream, name, last);
        }
        streams.push((name.to_owned(), stream.try_clone().unwrap()));
    }

    fn replay(&self, stream: &TcpStream, name: &str, last: usize) {
        let history = self.history.lock().unwrap();
        let first = match self.manner {
            Manner::Resumes | Manner::Expires { .. } => last + 1,
            Manner::Rewinds => last,
            _ => return,
        };
        let missed = history[first..].iter().filter(|(own, _)| own == name).map(|(_, event)| event);
        let missed: Vec<_> = missed.collect();
        let kept = match self.manner {
            Manner::Expires { kept, is_told } => {
                if is_told {
                    self.send(stream, gap(None, "expired").as_bytes());
                }
                kept.min(missed.len())
            }
            _ => missed.len(),
        };
        missed[missed.len() - kept..].iter().for_each(|event| self.send(stream, event));
    }

    fn publish(&self, name: &str, data: &[u8]) {
        let streams = self.streams.lock().unwrap();
        let mut held = self.held.lock().unwrap();
        let number = held.1;
        held.1 += 1;
        let streams = streams.iter().filter(|(own, _)| !self.manner.routes() || own == name);
        let streams: Vec<_> = streams.map(|(_, stream)| stream).collect();
        if self.manner == Manner::ClosesBefore(number) {
            streams.iter().for_each(|stream| stream.shutdown(std::net::Shutdown::Both).unwrap());
        }
        let id = if self.manner == Manner::LongIds { format!("{number:0200}") } else { number.to_string() };
        let event = [format!("id: {id}\ndata: ").as_bytes(), data, b"\n\n"].concat();
        self.history.lock().unwrap().push((name.to_owned(), event.clone()));
        let Some((first, others)) = streams.split_first() else { return };
        others.iter().for_each(|stream| self.send(stream, &event));
        match self.manner {
            Manner::Loses(chosen) if chosen == number => {}
            Manner::Skips { from, count, .. } if (from..from + count).contains(&number) => {}
            Manner::Skips { from, count, told: Some(told) } if number == from + count => {
                self.send(first, &[gap(Some(told), "busy").as_bytes(), &event].concat());
            }
            Manner::Repeats(chosen) if chosen == number => self.send(first, &[event.clone(), event].concat()),
            Manner::Swaps(chosen) if chosen == number => held.0 = Some(event),
            Manner::Damages(chosen) if chosen == number => self.send(first, &[b"data: ", data, b"x\n\n"].concat()),
            _ => {
                self.send(first, &event);
                held.0.take().into_iter().for_each(|late| self.send(first, &late));
            }
        }
    }

    /// Publishes each line of the form that `--batch` sends, and gives the answer.
    fn publish_batch(&self, body: &[u8]) -> String {
        let (mut published, mut errors) = (0, Vec::new());
        for (number, line) in body.strip_suffix(b"\n").unwrap().split(|byte| *byte == b'\n').enumerate() {
            if self.manner == Manner::FailsLine(number) {
                errors.push(serde_json::json!({"line": number + 1, "title": "no room"}));
                continue;
            }
            let line = str::from_utf8(line).unwrap();
            let (channel, data) = line.strip_prefix("{\"channel\":\"").unwrap().split_once("\",\"data\":").unwrap();
            self.publish(channel, data.strip_suffix('}').unwrap().as_bytes());
            published += 1;
        }
        match self.manner {
            Manner::Miscounts => published -= 1,
            Manner::CountsNothing => return "{}".to_owned(),
            _ => {}
        }
        serde_json::json!({"published": published, "failed": errors.len(), "errors": errors}).to_string()
    }

    /// Sends in two pieces, so that the other side sees events cut in two.
    fn send(&self, mut stream: &TcpStream, bytes: &[u8]) {
        let framed = match self.manner {
            Manner::Plain => bytes.to_vec(),
            _ => [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat(),
        };
        let (one, two) = framed.split_at(framed.len() / 2);
        // A stream may have been shut above, or by the other side at its end.
        let _ = stream.write_all(one).and_then(|()| stream.write_all(two));
    }
}

fn answer(stream: &mut TcpStream, status: &str, body: &str, extra: &str) {
    write!(stream, "HTTP/1.1 {status}\r\n{extra}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
}

struct Request {
    line: String,
    last_event_id: Option<usize>,
    body: Vec<u8>,
}

/// `None`: the other side is done.
fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let (mut request_line, mut length_bytes, mut last_event_id) = (String::new(), 0, None);
    reader.read_line(&mut request_line).ok().filter(|read| *read > 0)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if line == "\r\n" {
            break;
        }
        let line = line.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length_bytes = value.trim().parse().unwrap();
        }
        if let Some(value) = line.strip_prefix("last-event-id:") {
            last_event_id = Some(value.trim().parse().unwrap());
        }
    }
    let mut body = vec![0; length_bytes];
    reader.read_exact(&mut body).ok()?;
    Some(Request { line: request_line, last_event_id, body })
}

/// How one run of the load generator ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs the load generator with arguments that are parted by spaces.
pub(crate) fn run(args: &str) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare-loadtest"));
    end(command.args(args.split_whitespace()))
}

/// The same, for a process that may open no more than this many files.
pub(crate) fn run_with_descriptors(limit: u32, args: &str) -> Run {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n {limit} && exec \"$0\" \"$@\"")]);
    end(command.arg(env!("CARGO_BIN_EXE_fanfare-loadtest")).args(args.split_whitespace()))
}

/// The same, and how many processes of it are still there afterwards.
#[cfg(target_os = "linux")]
pub(crate) fn run_and_look(args: &str) -> (Run, usize) {
    let mark = format!("LOADTEST_MARK={}-{args}", std::process::id());
    let (name, value) = mark.split_once('=').unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare-loadtest"));
    let run = end(command.env(name, value).args(args.split_whitespace()));
    let processes =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| std::fs::read(entry.ok()?.path().join("environ")).ok());
    let marked = |environ: &Vec<u8>| environ.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes());
    (run, processes.filter(marked).count())
}

fn end(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        status: output.status.code().expect("it was not killed"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A short `fanout` against a server of this manner: 5 streams, 20 events, on two threads.
pub(crate) fn fanout(manner: Manner, more: &str) -> Run {
    let address = serve(manner);
    let quiet = if more.contains("--quiet") { "" } else { "--quiet 3s" };
    run(&format!("fanout --url http://{address} --connections 5 --threads 2 --rate 500/s --events 20 {quiet} {more}"))
}
