//! [`Scraper`]: reads the figures of a server each second, as Prometheus does, for as long as a run lasts.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::compare::cores::Cores;

const EVERY: Duration = Duration::from_secs(1);
/// The time that one answer may take: as long as the default of Prometheus.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The format that Prometheus asks for first.
const ACCEPT: &str = "application/openmetrics-text;version=1.0.0";

/// A thread that scrapes. It ends with [`Scraper::end`].
#[derive(Debug)]
pub(super) struct Scraper {
    stop: Sender<()>,
    thread: JoinHandle<Scraped>,
}

/// What it has read.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Scraped {
    pub(super) scrapes: u32,
    /// Why the first that failed did.
    pub(super) failed_first: Option<String>,
}

impl Scraper {
    /// Scrapes the listener at this address from now on, on the cores of the load generator.
    pub(super) fn start(address: SocketAddr, cores: &Cores) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let cores = cores.clone();
        let thread = std::thread::Builder::new().name("scrape".to_owned()).spawn(move || {
            // The server's core is the server's. If this fails, all share their cores.
            let _ = cores.move_to_generator();
            let mut scraped = Scraped::default();
            let mut due = Instant::now();
            loop {
                if let Err(cause) = scrape(address) {
                    scraped.failed_first.get_or_insert(cause.to_string());
                }
                scraped.scrapes += 1;
                due += EVERY;
                let left = due.saturating_duration_since(Instant::now());
                if stopped.recv_timeout(left) != Err(RecvTimeoutError::Timeout) {
                    return scraped;
                }
            }
        })?;
        Ok(Self { stop, thread })
    }

    /// Ends it. `None`: its thread died.
    pub(super) fn end(self) -> Option<Scraped> {
        drop(self.stop);
        self.thread.join().ok()
    }
}

/// One scrape, on a connection of its own.
fn scrape(address: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nAccept: {ACCEPT}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let is_whole = answer.starts_with(b"HTTP/1.1 200 ") && answer.windows(5).any(|end| end == b"# EOF");
    if is_whole { Ok(()) } else { Err(io::Error::other("the answer to a scrape is no page of figures")) }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// What a scraper finds at a server that gives this answer, after one scrape.
    fn scraped(answer: &'static str) -> Scraped {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scraper = Scraper::start(listener.local_addr().unwrap(), &Cores::Shared).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let read = stream.read(&mut request).unwrap();
        assert!(request[..read].starts_with(b"GET /metrics "));
        stream.write_all(answer.as_bytes()).unwrap();
        drop(stream);
        scraper.end().unwrap()
    }

    #[test]
    fn a_page_that_is_not_whole_is_a_failure() {
        let whole = scraped("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nfanfare_up 1\n# EOF\n");
        assert_eq!(whole, Scraped { scrapes: 1, failed_first: None });
        for answer in ["HTTP/1.1 200 OK\r\n\r\nfanfare_up 1\n", "HTTP/1.1 503 Busy\r\n\r\n# EOF\n"] {
            assert!(scraped(answer).failed_first.unwrap().contains("no page of figures"), "{answer}");
        }
    }
}
