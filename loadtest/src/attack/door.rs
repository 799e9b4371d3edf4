//! [`Door`]: how an attacker reaches a target: from an address of its own, over TLS if the target has it.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::attack::tally::Score;
use crate::link::pipe::Pipe;
use crate::link::tls::Tls;
use crate::wire::head::{Head, HeadReader};
use crate::wire::target::Target;

/// The first address of attackers on loopback, far from those of honest streams.
const FIRST: Ipv4Addr = Ipv4Addr::new(127, 255, 0, 1);
/// The time that a connect, a handshake or an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How an attacker reaches a target.
#[derive(Debug, Clone)]
pub(super) struct Door {
    target: Rc<Target>,
    source: Option<SocketAddr>,
    tls: Rc<Option<Tls>>,
}

impl Door {
    /// The door of this attacker, counted from 0. Beyond loopback all share the address of this machine.
    pub(super) fn new(target: Target, tls: Option<Tls>, attacker: u32) -> Self {
        let own = SocketAddr::from((Ipv4Addr::from(u32::from(FIRST) + attacker), 0));
        let is_near = matches!(target.address.ip(), IpAddr::V4(ip) if ip.is_loopback());
        Self { target: Rc::new(target), source: is_near.then_some(own), tls: Rc::new(tls) }
    }

    pub(super) fn authority(&self) -> &str {
        &self.target.authority
    }

    /// A socket that has said nothing yet.
    pub(super) async fn knock(&self, score: &Score) -> Option<TcpStream> {
        let connecting = timeout(PATIENCE, self.connect()).await.ok().and_then(Result::ok);
        if connecting.is_none() {
            score.unreached();
        }
        connecting
    }

    /// A connection, behind the handshake of TLS if there is one.
    pub(super) async fn enter(&self, score: &Score) -> Option<Pipe> {
        let stream = self.knock(score).await?;
        let entering = Pipe::over(stream, self.tls.as_ref().as_ref(), &self.target.host);
        let pipe = timeout(PATIENCE, entering).await.ok().and_then(Result::ok);
        if pipe.is_none() {
            score.unreached();
        }
        pipe
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let socket = if self.target.address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if let Some(source) = self.source {
            socket.set_reuseaddr(true)?;
            socket.bind(source)?;
        }
        socket.connect(self.target.address).await
    }
}

/// Sends a request and reads the head of its answer, with the bytes that came along. `None`: there was none.
pub(super) async fn ask(pipe: &mut Pipe, request: &[u8]) -> Option<(Head, Vec<u8>)> {
    let asking = async {
        pipe.write_all(request).await.ok()?;
        pipe.flush().await.ok()?;
        head(pipe).await
    };
    timeout(PATIENCE, asking).await.ok().flatten()
}

/// Reads the head of an answer, whenever it comes.
pub(super) async fn head(pipe: &mut Pipe) -> Option<(Head, Vec<u8>)> {
    let (mut reader, mut buffer) = (HeadReader::default(), [0; 4096]);
    loop {
        let came = read(pipe, &mut buffer).await?;
        if let Some(found) = reader.take(came).ok()? {
            return Some(found);
        }
    }
}

/// Reads the rest of an answer. False: the connection is of no more use.
pub(super) async fn finish(pipe: &mut Pipe, (mut head, rest): (Head, Vec<u8>)) -> bool {
    let finishing = async {
        let mut buffer = vec![0; 64 << 10];
        head.body.decode(&rest, |_| {}).ok()?;
        while !head.body.is_over() {
            let came = read(pipe, &mut buffer).await?;
            head.body.decode(came, |_| {}).ok()?;
        }
        Some(())
    };
    // A stream never ends, and an attacker wants the next one.
    !head.closes
        && !head.content_type.starts_with("text/event-stream")
        && timeout(PATIENCE, finishing).await.ok().flatten().is_some()
}

async fn read<'a>(pipe: &mut Pipe, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    let mut unread = ReadBuf::new(buffer);
    poll_fn(|context| Pin::new(&mut *pipe).poll_read(context, &mut unread)).await.ok()?;
    let came = unread.filled().len();
    (came > 0).then(|| &buffer[..came])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attackers_on_loopback_have_addresses_of_their_own() {
        let source = |address: &str, attacker| {
            let target = Target { address: address.parse().unwrap(), authority: String::new(), host: String::new() };
            Door::new(target, None, attacker).source
        };
        assert_eq!(source("127.0.0.1:3000", 0), Some("127.255.0.1:0".parse().unwrap()));
        assert_eq!(source("127.0.0.1:3000", 256), Some("127.255.1.1:0".parse().unwrap()));
        assert_eq!((source("192.0.2.1:80", 0), source("[::1]:80", 0)), (None, None));
    }
}
