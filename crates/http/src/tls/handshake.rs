//! [`handshake`]: rustls' handshake over a socket.
//!
//! The public-key work of a handshake takes a quarter of a millisecond. On the thread of a shard one step is done at a time, and
//! everything else has its turn before the next, so that thousands who connect at once do not hold up open streams.

use std::{io, sync::Arc};

use fanfare_records::{HEADER_BYTES, RECORD_BYTES_MAX};
use rustls::{ProtocolVersion, server::UnbufferedServerConnection, unbuffered::ConnectionState};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Semaphore,
    task::yield_now,
};

use crate::tls::{
    acceptor::{TlsAcceptor, TlsOutlet},
    layer::{Layer, Records, append, flush_alert},
    refusal::Refusal,
    stream::Tls,
};

/// Bytes that a client may send until its handshake is done. What comes behind the handshake counts, up to one record.
const HANDSHAKE_BYTES_MAX: usize = (64 << 10) + RECORD_BYTES_MAX;
/// Bytes that are read at a time.
const PIECE_BYTES: usize = 4 << 10;
/// The first byte of a record that begins a handshake (RFC 8446 5.1).
const TLS_HANDSHAKE: u8 = 22;

/// What has become of a handshake.
enum Step {
    /// The client has to send more.
    Hungry,
    Done,
}

/// A handshake on its way.
struct Handshake {
    connection: UnbufferedServerConnection,
    input: Vec<u8>,
    output: Vec<u8>,
    /// Plaintext that came together with the last message of the handshake.
    plain: Vec<u8>,
    has_ended: bool,
}

/// Does the handshake. `turns` has one permit: the handshakes of a thread take steps in turn.
///
/// # Errors
/// The handshake came to nothing. The client has been told so.
pub(crate) async fn handshake(
    stream: &mut TcpStream,
    acceptor: &TlsAcceptor,
    turns: &Semaphore,
) -> Result<impl FnOnce(TcpStream) -> io::Result<Tls> + use<>, Refusal> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut came = read(stream, &mut piece).await?;
    match piece[0] {
        TLS_HANDSHAKE => {}
        letter if letter.is_ascii_uppercase() => return Err(Refusal::PlainHttp),
        _ => return Err(Refusal::NoTls),
    }
    let connection = UnbufferedServerConnection::new(Arc::clone(acceptor.config()))?;
    let (input, output, plain) = Default::default();
    let mut handshake = Handshake { connection, input, output, plain, has_ended: false };
    let mut bytes_left = HANDSHAKE_BYTES_MAX;
    loop {
        bytes_left = bytes_left.checked_sub(came).ok_or(Refusal::TooLong)?;
        handshake.input.extend_from_slice(&piece[..came]);
        let stepped = {
            // Never closed.
            let _turn = turns.acquire().await;
            let stepped = handshake.step();
            yield_now().await;
            stepped
        };
        let sent = stream.write_all(&handshake.output).await;
        handshake.output.clear();
        // Its reason is worth more than that the client did not wait for it.
        let step = stepped?;
        sent?;
        match step {
            Step::Hungry => came = read(stream, &mut piece).await?,
            Step::Done => break,
        }
    }
    let (outlet, rekey_at) = (acceptor.outlet(), acceptor.rekey_at());
    Ok(move |stream| handshake.finish(stream, outlet, rekey_at))
}

/// Bytes of the first so many records of `input` (RFC 8446 5.1), or all if they are not whole.
fn first_records(input: &[u8], records: usize) -> usize {
    let mut end = 0;
    for _ in 0..records {
        let Some(&[_, _, _, high, low]) = input.get(end..end + HEADER_BYTES) else { return input.len() };
        end += HEADER_BYTES + usize::from(u16::from_be_bytes([high, low]));
    }
    end.min(input.len())
}

async fn read(stream: &mut TcpStream, piece: &mut [u8]) -> io::Result<usize> {
    match stream.read(piece).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        bytes => Ok(bytes),
    }
}

impl Handshake {
    /// Goes on until rustls needs more input, or is done. All that has to be sent is in `output`, also if this fails.
    fn step(&mut self) -> Result<Step, Refusal> {
        let mut records = 1;
        loop {
            // No record behind the handshake: rustls would follow a KeyUpdate with keys that are not in what it gives away.
            let given = if self.connection.is_handshaking() { first_records(&self.input, records) } else { 0 };
            let has_more = given < self.input.len();
            let status = self.connection.process_tls_records(&mut self.input[..given]);
            let discard = status.discard;
            let step = match status.state {
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    append(&mut self.output, 0, |space| data.encode(space))?;
                    None
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    None
                }
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        self.plain.extend_from_slice(record?.payload);
                    }
                    None
                }
                Ok(ConnectionState::PeerClosed) => {
                    self.has_ended = true;
                    None
                }
                // A message may be in several records.
                Ok(ConnectionState::BlockedHandshake) if has_more => {
                    records += 1;
                    None
                }
                Ok(ConnectionState::BlockedHandshake) => Some(Step::Hungry),
                Ok(ConnectionState::WriteTraffic(_)) => Some(Step::Done),
                Ok(_) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Err(error) => {
                    self.input.drain(..discard);
                    flush_alert(&mut self.connection, &mut self.input, &mut self.output)?;
                    return Err(error.into());
                }
            };
            self.input.drain(..discard);
            if discard > 0 {
                records = 1;
            }
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    /// The connection after its handshake. TLS 1.3 leaves rustls, unless the setting says otherwise.
    fn finish(self, stream: TcpStream, outlet: TlsOutlet, rekey_at: u64) -> io::Result<Tls> {
        let Self { connection, mut input, mut plain, has_ended, .. } = self;
        let is_own = outlet == TlsOutlet::Records && connection.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        let layer = if is_own {
            let (secrets, kernel) = connection.dangerous_into_kernel_connection().map_err(io::Error::other)?;
            let records = Records::new(secrets, kernel, rekey_at);
            Layer::Records(records.ok_or_else(|| io::Error::other("rustls chose an unknown suite"))?)
        } else {
            Layer::Library(Box::new(connection))
        };
        input.shrink_to_fit();
        plain.shrink_to_fit();
        Ok(Tls::new(stream, layer, input, plain, has_ended))
    }
}
