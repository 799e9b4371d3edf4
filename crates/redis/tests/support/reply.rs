//! [`Session`]: one connection that speaks RESP2, and the [`Reply`] to a command.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

/// An answer of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Simple(String),
    Error(String),
    Int(i64),
    Bulk(Vec<u8>),
    Nil,
    Array(Vec<Reply>),
}

impl Reply {
    /// The number; also one that came as text.
    #[track_caller]
    pub(crate) fn int(&self) -> i64 {
        match self {
            Self::Int(number) => *number,
            Self::Simple(_) | Self::Bulk(_) => self.text().parse().expect("a number"),
            other => panic!("{other:?} is no number"),
        }
    }

    /// The text of an answer that is no error.
    #[track_caller]
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Simple(text) => text.clone(),
            Self::Bulk(bytes) => String::from_utf8(bytes.clone()).expect("UTF-8"),
            other => panic!("{other:?} is no text"),
        }
    }

    /// The parts of a list.
    #[track_caller]
    pub(crate) fn items(&self) -> &[Reply] {
        match self {
            Self::Array(items) => items,
            other => panic!("{other:?} is no list"),
        }
    }

    /// The value of `name` in a list of names and values.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> &Reply {
        let pair = self.items().chunks(2).find(|pair| pair[0].text() == name);
        &pair.unwrap_or_else(|| panic!("no {name:?} in {self:?}"))[1]
    }

    /// The text of an error; `None` if it went well.
    pub(crate) fn error(&self) -> Option<&str> {
        match self {
            Self::Error(text) => Some(text),
            _ => None,
        }
    }

    /// Itself; a test that gets an error here has failed.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.error(), None);
        self
    }
}

/// One connection to a server.
pub(crate) struct Session(BufReader<TcpStream>);

impl Session {
    /// A read that takes longer than `patience` is an error.
    pub(crate) fn connect(port: u16, patience: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&([127, 0, 0, 1], port).into(), patience)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends one command and receives its answer.
    pub(crate) fn call(&mut self, command: &[impl AsRef<[u8]>]) -> io::Result<Reply> {
        self.send(command)?;
        self.receive()
    }

    /// Sends one command, without waiting for its answer.
    pub(crate) fn send(&mut self, command: &[impl AsRef<[u8]>]) -> io::Result<()> {
        let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
        for word in command.iter().map(AsRef::as_ref) {
            bytes.extend(format!("${}\r\n", word.len()).into_bytes());
            bytes.extend([word, b"\r\n"].concat());
        }
        self.0.get_mut().write_all(&bytes)
    }

    /// The next answer, or the next message of a subscription.
    pub(crate) fn receive(&mut self) -> io::Result<Reply> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        let (kind, rest) = line.split_at(1);
        Ok(match kind {
            "+" => Reply::Simple(rest.to_owned()),
            "-" => Reply::Error(rest.to_owned()),
            ":" => Reply::Int(rest.parse().map_err(io::Error::other)?),
            "$" | "*" if rest == "-1" => Reply::Nil,
            "$" => {
                let mut bytes = vec![0; rest.parse::<usize>().map_err(io::Error::other)? + 2];
                self.0.read_exact(&mut bytes)?;
                bytes.truncate(bytes.len() - 2);
                Reply::Bulk(bytes)
            }
            "*" => {
                let items = rest.parse::<usize>().map_err(io::Error::other)?;
                Reply::Array((0..items).map(|_| self.receive()).collect::<io::Result<_>>()?)
            }
            _ => return Err(io::Error::other(format!("not RESP2: {line:?}"))),
        })
    }
}
