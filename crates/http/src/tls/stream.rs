//! [`Tls`]: an established TLS connection.
//!
//! A write seals at most one record and sends it at once. What the kernel does not take is kept, sealed, and leaves before
//! anything else. So nothing is written while something is kept, and a connection that waits for its peer holds one record.

use std::{
    cell::RefCell,
    io::{self, IoSlice},
    net::Shutdown,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use fanfare_core::engine::Kept;
use fanfare_records::RECORD_BYTES_MAX;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::{
    send::send_now,
    tls::{
        layer::{Layer, Step},
        waiting::Waiting,
    },
};

/// Bytes of input that may wait for the rest of a message: rustls takes messages of 64 KiB.
const INPUT_BYTES_MAX: usize = 128 << 10;

/// Space that all connections of a thread use in turn.
struct Scratch {
    input: Vec<u8>,
    output: Vec<u8>,
    plain: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> =
        RefCell::new(Scratch { input: vec![0; RECORD_BYTES_MAX], output: Vec::new(), plain: Vec::new() });
}

/// The end of the writing side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Open,
    /// The close_notify is sealed and may be kept.
    Notified,
    Shut,
}

/// An established TLS connection. If it is dropped before its writing side has ended, it has been cut: the peer gets no
/// close_notify.
#[derive(Debug)]
pub(crate) struct Tls {
    stream: TcpStream,
    layer: Layer,
    waiting: Waiting,
    ending: Ending,
    /// The peer has ended its side.
    has_ended: bool,
}

impl Tls {
    /// A connection whose handshake is done. `input` came behind the handshake, and so did `plain`, which is open already.
    pub(super) fn new(stream: TcpStream, layer: Layer, input: Vec<u8>, plain: Vec<u8>, has_ended: bool) -> Self {
        Self { stream, layer, waiting: Waiting::new(input, plain), ending: Ending::Open, has_ended }
    }

    /// Has the bytes that wait counted.
    pub(crate) fn counted(self, kept: Kept) -> Self {
        Self { waiting: self.waiting.counted(kept), ..self }
    }

    /// Number of bytes that wait, sealed or not.
    pub(crate) fn kept_bytes(&self) -> usize {
        self.waiting.kept_bytes()
    }

    /// Writes as many bytes as fit in one record. `Pending` while some of the record before is kept: `waker` is woken when there is
    /// room. If some of this record is kept, `waker` is woken too, and has to call [`Tls::poll_sent`] or read.
    pub(crate) fn poll_send(&mut self, waker: &Waker, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let cx = &mut Context::from_waker(waker);
        if self.waiting.sealed().is_some() {
            ready!(self.poll_sent(cx))?;
        }
        if self.ending != Ending::Open {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if parts.iter().all(|part| part.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        SCRATCH.with_borrow_mut(|Scratch { output, plain, .. }| {
            output.clear();
            let taken = self.layer.seal(parts, plain, output)?;
            self.send(output, cx)?;
            Poll::Ready(Ok(taken))
        })
    }

    /// Sends `sealed`, and keeps what the kernel does not take. Nothing is kept yet.
    fn send(&mut self, sealed: &[u8], cx: &mut Context<'_>) -> io::Result<()> {
        let sent = send_now(&self.stream, &[IoSlice::new(sealed)]).unwrap_or(Ok(0))?;
        if sent == sealed.len() {
            return Ok(());
        }
        self.waiting.keep_sealed(&sealed[sent..]);
        // Once more through tokio, which asks to be told when there is room.
        match self.poll_sent(cx) {
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
        }
    }

    /// Sends what is kept. `Ready` once all of it has left.
    pub(crate) fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(sealed) = self.waiting.sealed() {
            let sent = Pin::new(&mut self.stream).poll_write(cx, sealed.left());
            if let Poll::Ready(Ok(bytes)) = sent {
                sealed.take(bytes);
            }
            self.waiting.settle();
            if ready!(sent)? == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
        }
        if self.ending == Ending::Notified {
            self.ending = Ending::Shut;
            // An error here means that the peer is gone already; the next read says so.
            let _ = SockRef::from(&self.stream).shutdown(Shutdown::Write);
        }
        Poll::Ready(Ok(()))
    }

    /// Ends the writing side, behind what is kept: a close_notify, and then the end of the bytes (RFC 8446 6.1).
    pub(crate) fn shut_write(&mut self, waker: &Waker) {
        if self.ending == Ending::Open {
            self.ending = Ending::Notified;
            let mut sealed = Vec::new();
            // Without one the peer sees the end of the bytes, as it does after a cut.
            let _ = self.layer.seal_close(&mut sealed);
            self.waiting.keep_sealed(&sealed);
        }
        // What is left goes on when the waker is woken. A broken connection says so at the next read.
        let _ = self.poll_sent(&mut Context::from_waker(waker));
    }

    /// Opens what is next of the input, and sends what has to be sent because of it.
    fn open_next(&mut self, cx: &mut Context<'_>) -> io::Result<Step> {
        let mut out = Vec::new();
        let rests = self.waiting.rests();
        // `plain` has been read to its end.
        let next = self.layer.next(rests.input.left(), &mut rests.plain.bytes, &mut out);
        if let Ok((bytes, _)) = next {
            rests.input.take(bytes);
        }
        if !out.is_empty() && self.ending == Ending::Open {
            rests.sealed.append(&out);
            if let Poll::Ready(Err(error)) = self.poll_sent(cx) {
                return Err(error);
            }
        }
        self.waiting.settle();
        next.map(|(_, step)| step)
    }

    /// Reads what the peer has sent. `Ready` with `false`: the peer has ended its side.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.waiting.input_bytes() > INPUT_BYTES_MAX {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        SCRATCH.with_borrow_mut(|Scratch { input, .. }| {
            let mut buffer = ReadBuf::new(input);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(false));
            }
            self.waiting.rests().input.append(buffer.filled());
            Poll::Ready(Ok(true))
        })
    }
}

impl AsyncRead for Tls {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(Err(error)) = self.poll_sent(cx) {
            return Poll::Ready(Err(error));
        }
        loop {
            if let Some(plain) = self.waiting.plain() {
                let left = plain.left();
                let taken = left.len().min(buffer.remaining());
                buffer.put_slice(&left[..taken]);
                plain.take(taken);
                self.waiting.settle();
                return Poll::Ready(Ok(()));
            }
            if self.has_ended {
                return Poll::Ready(Ok(()));
            }
            match self.open_next(cx) {
                Ok(Step::Some) => {}
                Ok(Step::Closed) => self.has_ended = true,
                // A peer that goes away without a close_notify has ended too. HTTP knows by itself whether a request is whole.
                Ok(Step::Hungry) => self.has_ended = !ready!(self.poll_input(cx))?,
                Err(error) => {
                    self.has_ended = true;
                    return Poll::Ready(Err(error));
                }
            }
        }
    }
}

impl AsyncWrite for Tls {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_send(cx.waker(), &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(cx.waker(), parts)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_sent(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shut_write(cx.waker());
        self.poll_sent(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        io::{Read as _, Write as _},
        net::TcpStream as Peer,
        sync::Arc,
        thread,
        time::Duration,
    };

    use fanfare_core::engine::RingBudget;
    use rustls::{
        ClientConfig, ClientConnection, RootCertStore, StreamOwned,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    };
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
        sync::Semaphore,
    };

    use super::*;
    use crate::tls::{
        acceptor::{TlsAcceptor, TlsConfig, TlsOutlet},
        handshake::handshake,
        pair::{Pem, TlsPair},
    };

    const OUTLETS: [TlsOutlet; 2] = [TlsOutlet::Records, TlsOutlet::Rustls];

    type Client = StreamOwned<ClientConnection, Peer>;

    fn configs(outlet: TlsOutlet) -> (TlsAcceptor, Arc<ClientConfig>) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
        let pair = TlsPair { certificate: Pem::Bytes(certificate.into()), key: Pem::Bytes(key.into()) };
        let config = TlsConfig { pairs: vec![pair], outlet, ..TlsConfig::default() };
        (TlsAcceptor::new(config).unwrap(), Arc::new(builder.with_no_client_auth()))
    }

    /// A connection, and what `peer` makes of its client on another thread.
    async fn connected<T: Send + 'static>(
        acceptor: &TlsAcceptor,
        client: Arc<ClientConfig>,
        peer: impl FnOnce(Client) -> T + Send + 'static,
    ) -> (Tls, thread::JoinHandle<T>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let peer = thread::spawn(move || {
            let socket = Peer::connect(address).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let name = ServerName::try_from("localhost").unwrap();
            let mut stream = StreamOwned::new(ClientConnection::new(client, name).unwrap(), socket);
            stream.conn.complete_io(&mut stream.sock).unwrap();
            peer(stream)
        });
        let mut stream = listener.accept().await.unwrap().0;
        let turns = Semaphore::new(1);
        let finish = handshake(&mut stream, acceptor, &turns).await.unwrap();
        (finish(stream).unwrap(), peer)
    }

    #[tokio::test]
    async fn a_new_key_is_announced_before_the_limit_of_the_old_one() {
        let (acceptor, client) = configs(TlsOutlet::Records);
        let acceptor = acceptor.rekey_after(3);
        let (mut tls, peer) = connected(&acceptor, client, |mut stream| {
            let mut all = String::new();
            stream.read_to_string(&mut all).unwrap();
            all
        })
        .await;
        let mut sent = String::new();
        for number in 0..50 {
            let text = format!("{number},");
            tls.write_all(text.as_bytes()).await.unwrap();
            sent += &text;
        }
        assert!(format!("{:?}", tls.layer).contains("Records"));
        tls.shutdown().await.unwrap();
        assert_eq!(peer.join().unwrap(), sent);
        assert!(tls.layer.keys_made() >= 12, "{}", tls.layer.keys_made());
    }

    #[tokio::test]
    async fn a_peer_that_reads_nothing_makes_it_keep_one_record_and_no_more() {
        for outlet in OUTLETS {
            let (acceptor, client) = configs(outlet);
            let (go, may_read) = std::sync::mpsc::channel::<()>();
            let (mut tls, peer) = connected(&acceptor, client, move |mut stream| {
                may_read.recv().unwrap();
                let mut all = Vec::new();
                stream.read_to_end(&mut all).unwrap();
                all.len()
            })
            .await;
            SockRef::from(&tls.stream).set_send_buffer_size(16 << 10).unwrap();
            let piece = vec![b'x'; 20_000];
            let mut taken = 0;
            while let Poll::Ready(bytes) = tls.poll_send(Waker::noop(), &[IoSlice::new(&piece)]) {
                let bytes = bytes.unwrap();
                assert!(bytes <= 16_384 && bytes > 0);
                taken += bytes;
            }
            assert!((1..=RECORD_BYTES_MAX).contains(&tls.kept_bytes()), "{outlet:?}: {}", tls.kept_bytes());
            // The end comes behind what is kept.
            tls.shut_write(Waker::noop());
            let closed = tls.poll_send(Waker::noop(), &[IoSlice::new(b"x")]);
            assert!(!matches!(closed, Poll::Ready(Ok(_))));
            go.send(()).unwrap();
            poll_fn(|cx| tls.poll_sent(cx)).await.unwrap();
            assert_eq!((tls.kept_bytes(), tls.ending), (0, Ending::Shut));
            assert_eq!(peer.join().unwrap(), taken, "{outlet:?}");
        }
    }

    #[tokio::test]
    async fn a_record_that_never_ends_is_counted() {
        for outlet in OUTLETS {
            let (acceptor, client) = configs(outlet);
            let (go, may_end) = std::sync::mpsc::channel::<()>();
            let (tls, peer) = connected(&acceptor, client, move |mut stream| {
                stream.sock.write_all(&[&[23, 3, 3, 0x40, 0][..], &[0; 1_000]].concat()).unwrap();
                may_end.recv().unwrap();
            })
            .await;
            let budget = Arc::new(RingBudget::new(1 << 20));
            let mut tls = tls.counted(Kept::new(Arc::clone(&budget)));
            poll_fn(|cx| {
                let mut space = [0; 9];
                let read = Pin::new(&mut tls).poll_read(cx, &mut ReadBuf::new(&mut space));
                assert!(read.is_pending(), "{outlet:?}");
                if tls.kept_bytes() < 1_005 { Poll::Pending } else { Poll::Ready(()) }
            })
            .await;
            assert_eq!((tls.kept_bytes(), budget.held_bytes()), (1_005, 1_005), "{outlet:?}");
            drop(tls);
            assert_eq!(budget.held_bytes(), 0);
            go.send(()).unwrap();
            peer.join().unwrap();
        }
    }

    #[tokio::test]
    async fn a_write_takes_as_many_whole_parts_as_fit_in_a_record_and_some_of_a_long_one() {
        let (acceptor, client) = configs(TlsOutlet::Records);
        let (mut tls, peer) = connected(&acceptor, client, |mut stream| {
            let mut all = Vec::new();
            stream.read_to_end(&mut all).unwrap();
            all.len()
        })
        .await;
        let (long, short) = (vec![b'x'; 20_000], vec![b'y'; 10_000]);
        let [none, long, short] = [b"", &long[..], &short[..]].map(IoSlice::new);
        let mut sent = 0;
        for (parts, expected) in [
            (&[none][..], 0),
            (&[none, long], 16_384),
            (&[short, none, long], 10_000),
            (&[short, short], 10_000),
            (&[short, none], 10_000),
        ] {
            let taken = poll_fn(|cx| tls.poll_send(cx.waker(), parts)).await.unwrap();
            assert_eq!(taken, expected);
            sent += taken;
        }
        tls.shutdown().await.unwrap();
        assert_eq!(peer.join().unwrap(), sent);
    }

    #[tokio::test]
    async fn a_connection_that_is_dropped_has_been_cut() {
        for outlet in OUTLETS {
            let (acceptor, client) = configs(outlet);
            let (mut tls, peer) =
                connected(&acceptor, client, |mut stream| stream.read_to_end(&mut Vec::new()).unwrap_err().kind())
                    .await;
            tls.write_all(b"some").await.unwrap();
            drop(tls);
            assert_eq!(peer.join().unwrap(), io::ErrorKind::UnexpectedEof, "{outlet:?}");
        }
    }

    #[tokio::test]
    async fn records_without_data_come_up_to_their_limit() {
        for (updates, is_refused) in [(32, false), (33, true)] {
            let (acceptor, client) = configs(TlsOutlet::Records);
            let (mut tls, peer) = connected(&acceptor, client, move |mut stream| {
                for _ in 0..updates {
                    stream.conn.refresh_traffic_keys().unwrap();
                    stream.conn.complete_io_of_writes(&mut stream.sock);
                }
                stream.conn.send_close_notify();
                stream.conn.complete_io_of_writes(&mut stream.sock);
                stream
            })
            .await;
            // It stays open, or the answers would meet a reset.
            let _stream = peer.join().unwrap();
            assert_eq!(tls.read_to_end(&mut Vec::new()).await.is_err(), is_refused, "{updates}");
        }
    }

    #[tokio::test]
    async fn a_peer_that_asks_for_keys_and_reads_nothing_is_answered_once() {
        let (acceptor, client) = configs(TlsOutlet::Records);
        let (mut tls, peer) = connected(&acceptor, client, |mut stream| {
            for _ in 0..100 {
                stream.conn.refresh_traffic_keys().unwrap();
                std::io::Write::write_all(&mut stream.conn.writer(), b"x").unwrap();
                stream.conn.complete_io_of_writes(&mut stream.sock);
            }
            stream.conn.send_close_notify();
            stream.conn.complete_io_of_writes(&mut stream.sock);
            let mut came = Vec::new();
            stream.read_to_end(&mut came).unwrap();
            came
        })
        .await;
        let mut came = Vec::new();
        tls.read_to_end(&mut came).await.unwrap();
        assert_eq!((came.len(), tls.kept_bytes()), (100, 0));
        tls.write_all(b"data").await.unwrap();
        assert_eq!(tls.layer.keys_made(), 1);
        tls.shutdown().await.unwrap();
        assert_eq!(peer.join().unwrap(), b"data");
    }

    /// Writes all that rustls has, and reads nothing.
    trait Write {
        fn complete_io_of_writes(&mut self, socket: &mut Peer);
    }

    impl Write for ClientConnection {
        fn complete_io_of_writes(&mut self, socket: &mut Peer) {
            while self.wants_write() {
                self.write_tls(socket).unwrap();
            }
        }
    }
}
