//! The HTTP/1 wire as a strict client reads it: response heads, and chunks (RFC 9112 7.1).

use std::collections::VecDeque;

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) version: String,
    pub(crate) status: u16,
    /// Fields in the order in which they came, with names in lower case.
    pub(crate) fields: Vec<(String, String)>,
}

impl Head {
    /// The value of a field that may stand once.
    #[track_caller]
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(one, _)| one == name).map(|(_, value)| value.as_str());
        let first = values.next();
        assert_eq!(values.next(), None, "{name} stands twice: {self:?}");
        first
    }

    /// The names of all fields, sorted.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.fields.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }
}

/// The head at the beginning of `bytes` and its length, or `None` while it is not whole.
pub(crate) fn parse_head(bytes: &[u8]) -> Option<(Head, usize)> {
    let len = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..len - 4]).unwrap();
    let mut lines = text.split("\r\n");
    let status_line = lines.next().unwrap();
    let (version, rest) = status_line.split_once(' ').unwrap_or_else(|| panic!("no status line: {text:?}"));
    assert!(version.starts_with("HTTP/1."), "no status line: {text:?}");
    let status = rest[..3].parse().unwrap();
    let fields = lines.map(|line| {
        let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no field: {line:?}"));
        assert!(!line.contains(['\r', '\n']) && !name.contains(' '), "no field: {line:?}");
        (name.to_ascii_lowercase(), value.trim().to_owned())
    });
    Some((Head { version: version.to_owned(), status, fields: fields.collect() }, len))
}

/// Takes the chunks off a body as it comes. A broken chunk is a panic.
#[derive(Debug, Default)]
pub(crate) struct Dechunker {
    bytes: VecDeque<u8>,
    is_over: bool,
}

impl Dechunker {
    /// Takes bytes, and gives the data of every chunk that is whole.
    #[track_caller]
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.bytes.extend(bytes);
        let mut data = Vec::new();
        while !self.is_over
            && let Some(chunk) = self.chunk()
        {
            self.is_over = chunk.is_empty();
            data.extend(chunk);
        }
        if self.is_over {
            assert!(self.bytes.is_empty(), "bytes behind the final chunk: {:?}", self.rest());
        }
        data
    }

    /// Whether the final chunk has come.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// The part of an unfinished chunk that has come.
    pub(crate) fn rest(&self) -> String {
        String::from_utf8_lossy(&self.bytes.iter().copied().collect::<Vec<_>>()).into_owned()
    }

    fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = self.bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        assert!(line.unwrap_or(self.bytes.len()) <= 18, "no chunk size: {:?}", self.rest());
        let line = line?;
        let size: Vec<u8> = self.bytes.iter().take(line).copied().collect();
        let digits = std::str::from_utf8(&size).unwrap().strip_suffix("\r\n");
        let digits = digits.unwrap_or_else(|| panic!("no chunk size: {size:?}"));
        assert!(digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "no chunk size: {digits:?}");
        let size = usize::from_str_radix(digits, 16).unwrap();
        if self.bytes.len() < line + size + 2 {
            return None;
        }
        self.bytes.drain(..line);
        let data = self.bytes.drain(..size).collect();
        let end: Vec<u8> = self.bytes.drain(..2).collect();
        assert_eq!(end, b"\r\n", "a chunk does not end where it says");
        Some(data)
    }
}
