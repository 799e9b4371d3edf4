//! The client's address of a connection that a trusted proxy has opened: the header of the PROXY protocol, which comes before
//! everything else.

use std::{future::poll_fn, io, net::SocketAddr, sync::Arc, time::Duration};

use fanfare_callers::{Holding, ProxyHeader, V2_BYTES_MAX};
use fanfare_core::engine::Reached;
use socket2::SockRef;
use tokio::{io::AsyncReadExt as _, net::TcpStream, time::timeout};
use tracing::debug;

use crate::{
    app::App,
    connection::stop::stopped,
    limits::{rule::Rule, seat::Seat},
    link::Peer,
};

/// The first 12 bytes tell the versions apart, and no header is shorter.
const TELLING_BYTES: usize = 12;
/// The first 16 bytes of version 2 say how long it is.
const V2_FIXED_BYTES: usize = 16;
/// The first byte of version 2. Version 1 begins with a letter.
const V2_FIRST: u8 = b'\r';

/// Takes the address of a connection from its header, and counts the socket for it. `None`: the connection is over, or `stop` is ready.
pub(super) async fn enter(
    app: &App,
    stream: &mut TcpStream,
    peer: &mut Peer,
    seat: &mut Seat,
    stop: &mut Reached,
) -> Option<()> {
    let link = Arc::clone(&peer.link);
    let time = app.config().head_timeout;
    let read = tokio::select! {
        biased;
        read = timeout(time, source(stream)) => read,
        () = stopped(stop) => return None,
        () = poll_fn(|cx| link.idler.poll_unwanted(cx)) => return None,
    };
    let mut rule = None;
    let why = match read {
        Ok(Ok(None)) => return Some(()),
        Ok(Ok(Some(source))) => {
            peer.address = source;
            peer.named = Some(Box::new(app.callers.client(source.ip(), app.now_ms())));
            match peer.account().enter(Holding::Socket) {
                Ok(caller) => {
                    seat.count_for(caller);
                    return Some(());
                }
                Err(refused) => {
                    rule = Some(Rule::OverLimit(refused.limit));
                    refused.to_string()
                }
            }
        }
        // Health checks of balancers open a connection and close it.
        Ok(Err(error)) if error.kind() != io::ErrorKind::InvalidData => {
            debug!(peer = %peer.address, %error, "closed before the header of its proxy");
            return None;
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the header of the PROXY protocol was not sent in time (head-timeout)".to_owned(),
    };
    app.refused.log_unread(app.now_ms(), peer.address, rule, &why);
    // The proxy tells its client of a reset.
    let _ = SockRef::from(&*stream).set_linger(Some(Duration::ZERO));
    None
}

/// Reads the header and nothing behind it. `None`: the proxy speaks for itself, or does not say for whom.
///
/// # Errors
/// There is no header, it is wrong, or the connection broke.
pub(super) async fn source(stream: &mut TcpStream) -> io::Result<Option<SocketAddr>> {
    let mut space = [0; V2_BYTES_MAX];
    let mut count = 0;
    loop {
        let next = (count + wanted(&space[..count])).min(space.len());
        stream.read_exact(&mut space[count..next]).await?;
        count = next;
        match ProxyHeader::read(&space[..count]) {
            ProxyHeader::Source { source, .. } => return Ok(Some(source)),
            ProxyHeader::Local { .. } | ProxyHeader::Unknown { .. } => return Ok(None),
            ProxyHeader::Wrong(fault) => return Err(io::Error::new(io::ErrorKind::InvalidData, fault)),
            ProxyHeader::NeedMore => {}
        }
    }
}

/// Bytes that are sure to belong to the header, behind those that have come. Version 1 ends with a line, so its end is looked for byte by
/// byte.
fn wanted(bytes: &[u8]) -> usize {
    match bytes {
        _ if bytes.len() < TELLING_BYTES => TELLING_BYTES - bytes.len(),
        [V2_FIRST, ..] if bytes.len() < V2_FIXED_BYTES => V2_FIXED_BYTES - bytes.len(),
        [V2_FIRST, ..] => (V2_FIXED_BYTES + usize::from(u16::from_be_bytes([bytes[14], bytes[15]])))
            .saturating_sub(bytes.len())
            .max(1),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt as _, net::TcpListener};

    use super::*;

    async fn read(sent: &[u8]) -> (io::Result<Option<SocketAddr>>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        client.write_all(sent).await.unwrap();
        drop(client);
        let source = source(&mut stream).await;
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        (source, rest)
    }

    #[tokio::test]
    async fn the_header_is_read_and_what_follows_is_left() {
        let (source, rest) = read(b"PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\nGET / HTTP/1.1\r\n").await;
        assert_eq!(source.unwrap(), Some("203.0.113.9:4711".parse().unwrap()));
        assert_eq!(rest, b"GET / HTTP/1.1\r\n");
        let mut v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c".to_vec();
        v2.extend([203, 0, 113, 9, 192, 0, 2, 1, 0x12, 0x67, 1, 187]);
        v2.extend(b"rest");
        let (source, rest) = read(&v2).await;
        assert_eq!((source.unwrap(), rest), (Some("203.0.113.9:4711".parse().unwrap()), b"rest".to_vec()));
        let (source, rest) = read(b"PROXY UNKNOWN\r\nrest").await;
        assert_eq!((source.unwrap(), rest), (None, b"rest".to_vec()));
    }

    #[tokio::test]
    async fn what_is_no_header_is_refused() {
        for sent in [
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            b"PROXY TCP4 x y 1 2\r\n",
            b"PROXY",
            b"",
            b"\r\n\r\n\0\r\nQUIT\n\x31\x11\x00\x0c",
        ] {
            assert!(read(sent).await.0.is_err(), "{sent:?}");
        }
    }
}
