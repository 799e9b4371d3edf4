//! [`Stream`]: an event stream, however it came, read line by line.

use fanfare_judge::Judge;

use super::{
    client::Client,
    events::{Event, Gap},
    h2::H2Body,
    wire::Dechunker,
};

/// Where the bytes of a stream come from.
#[derive(Debug)]
enum Source {
    Chunked(Client, Dechunker),
    /// HTTP/1.0: until the connection ends.
    Bare(Client),
    H2(Box<H2Body>),
}

/// The first lines of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prelude {
    pub(crate) retry_ms: u64,
    pub(crate) connection: u64,
    pub(crate) client: String,
}

/// One subscriber.
#[derive(Debug)]
pub(crate) struct Stream {
    source: Source,
    /// All bytes that came, without any framing.
    pub(crate) bytes: Vec<u8>,
    /// How far it is parsed.
    at: usize,
    pub(crate) judge: Judge,
}

impl Stream {
    pub(crate) fn chunked(client: Client) -> Self {
        Self::new(Source::Chunked(client, Dechunker::default()))
    }

    pub(crate) fn bare(client: Client) -> Self {
        Self::new(Source::Bare(client))
    }

    pub(crate) fn h2(body: H2Body) -> Self {
        Self::new(Source::H2(Box::new(body)))
    }

    fn new(source: Source) -> Self {
        Self { source, bytes: Vec::new(), at: 0, judge: Judge::default() }
    }

    /// The connection below, for unusual uses. HTTP/1 only.
    pub(crate) fn client(&mut self) -> &mut Client {
        match &mut self.source {
            Source::Chunked(client, _) | Source::Bare(client) => client,
            Source::H2(_) => panic!("HTTP/2 has no connection of its own"),
        }
    }

    /// See [`Client::reset`].
    pub(crate) fn reset(self) {
        match self.source {
            Source::Chunked(client, _) | Source::Bare(client) => client.reset(),
            Source::H2(_) => panic!("HTTP/2 has no connection of its own"),
        }
    }

    /// Reads more bytes. False at the end of the stream, which must be a proper one.
    #[track_caller]
    fn read(&mut self) -> bool {
        let data = match &mut self.source {
            Source::Chunked(client, chunks) => {
                if chunks.is_over() {
                    return false;
                }
                let piece =
                    client.piece().unwrap_or_else(|| panic!("ended without a final chunk: {:?}", chunks.rest()));
                chunks.feed(&piece)
            }
            Source::Bare(client) => match client.piece() {
                Some(piece) => piece,
                None => return false,
            },
            Source::H2(body) => match body.piece() {
                Some(piece) => piece,
                None => return false,
            },
        };
        self.bytes.extend_from_slice(&data);
        true
    }

    /// The next line without its LF, or `None` at the end of the stream.
    #[track_caller]
    fn line(&mut self) -> Option<String> {
        let mut from = self.at;
        loop {
            if let Some(len) = self.bytes[from..].iter().position(|byte| *byte == b'\n') {
                let line = std::str::from_utf8(&self.bytes[self.at..from + len]).unwrap().to_owned();
                self.at = from + len + 1;
                return Some(line);
            }
            from = self.bytes.len();
            if !self.read() {
                assert_eq!(self.at, self.bytes.len(), "the stream ends in the middle of a line");
                return None;
            }
        }
    }

    /// Reads the first lines, which must be the prescribed ones.
    #[track_caller]
    pub(crate) fn prelude(&mut self) -> Prelude {
        let retry = self.line().expect("a retry line");
        let comment = self.line().expect("a comment line");
        let retry_ms = retry.strip_prefix("retry: ").unwrap_or_else(|| panic!("{retry:?}")).parse().unwrap();
        let names = comment.strip_prefix(": connection ").unwrap_or_else(|| panic!("{comment:?}"));
        let (connection, client) = names.split_once(" client ").unwrap();
        Prelude { retry_ms, connection: connection.parse().unwrap(), client: client.to_owned() }
    }

    /// The next event, or `None` at the end of the stream.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Option<Event> {
        loop {
            let line = self.line()?;
            if let Some(block) = self.judge.line(&line) {
                return Some(block.into());
            }
        }
    }

    #[track_caller]
    pub(crate) fn event(&mut self) -> Event {
        self.next().expect("an event, but the stream ended")
    }

    #[track_caller]
    pub(crate) fn data(&mut self) -> String {
        self.event().data
    }

    /// Lets go of the bytes that have been read.
    pub(crate) fn forget(&mut self) {
        self.bytes = self.bytes.split_off(self.at);
        self.at = 0;
    }

    /// The next comment line.
    #[track_caller]
    pub(crate) fn comment(&mut self) -> String {
        loop {
            if let Some(comment) = self.judge.comments.pop() {
                return comment;
            }
            let line = self.line().expect("a comment, but the stream ended");
            assert_eq!(self.judge.line(&line), None, "an event came first");
        }
    }

    /// The gap that comes next.
    #[track_caller]
    pub(crate) fn gap(&mut self) -> Gap {
        let event = self.event();
        event.gap().unwrap_or_else(|| panic!("no gap: {event:?}"))
    }

    /// The cursor that the next block without data tells.
    #[track_caller]
    pub(crate) fn cursor(&mut self) -> String {
        let event = self.event();
        assert_eq!(
            (event.kind.as_str(), event.data.as_str()),
            ("fanfare.cursor", ""),
            "an event came first: {event:?}"
        );
        assert_eq!(event.block, format!("event: fanfare.cursor\nid: {}\ndata:\n", event.id));
        event.id
    }

    /// The data of the events up to one that is `marker`.
    #[track_caller]
    pub(crate) fn data_until(&mut self, marker: &str) -> Vec<String> {
        std::iter::from_fn(|| Some(self.data()).filter(|data| data != marker)).collect()
    }

    /// The data of the events up to the end, which must be a proper one.
    #[track_caller]
    pub(crate) fn data_until_end(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.next().map(|event| event.data)).collect()
    }

    /// Fails unless the connection ends behind the stream.
    #[track_caller]
    pub(crate) fn assert_closed(&mut self) {
        if let Source::Chunked(client, _) | Source::Bare(client) = &mut self.source {
            assert_eq!(client.piece(), None);
        }
    }
}
