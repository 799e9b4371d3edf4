//! [`Layer`]: what seals and opens after the handshake.
//!
//! [`Records`] are this workspace's own: rustls' connection would keep 4 to 8 KiB for as long as a stream is open. rustls keeps
//! TLS 1.2, and everything else where a setting says so.

use std::{
    fmt,
    io::{self, IoSlice},
};

use fanfare_records::{Fault, KeyUpdate, Kind, OVERHEAD_BYTES, Opener, PLAINTEXT_BYTES_MAX, Sealer};
use rustls::{
    ConnectionTrafficSecrets, Error, ExtractedSecrets,
    kernel::KernelConnection,
    server::{ServerConnectionData, UnbufferedServerConnection},
    unbuffered::ConnectionState,
};

/// Records without application data that a peer may send in a row: KeyUpdates, and empty ones. rustls has the same limit.
const IDLE_RECORDS_MAX: u8 = 32;
/// Bytes that a record of rustls has more than its plaintext, at most: TLS 1.2 has a nonce in it. A KeyUpdate may come with it.
const LIBRARY_OVERHEAD_BYTES: usize = 128;
/// An alert that ends the writing side in order (RFC 8446 6.1).
const CLOSE_NOTIFY: [u8; 2] = [1, CLOSED];
const CLOSED: u8 = 0;
const FATAL: u8 = 2;
/// The type of a record that is an alert.
const ALERT: u8 = 21;
const SEALED_ALERT_BYTES: usize = CLOSE_NOTIFY.len() + OVERHEAD_BYTES;
/// The description of an alert that says nothing by itself: a close_notify follows.
const USER_CANCELED: u8 = 90;
/// The peer sends what makes no sense here.
const UNEXPECTED_MESSAGE: u8 = 10;

/// What the next bytes of the input were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Some were taken, and there may be more to do.
    Some,
    /// More input is needed.
    Hungry,
    /// The peer has ended its side.
    Closed,
}

/// What seals and opens.
#[allow(clippy::large_enum_variant, reason = "streams have the large one, and it is in a box already")]
pub(super) enum Layer {
    Records(Records),
    Library(Box<UnbufferedServerConnection>),
}

impl Layer {
    /// Seals some of `parts`, at most one record, behind what `out` has. Returns the number of bytes of `parts` that were taken.
    /// `space` is for bytes of no interest.
    ///
    /// # Errors
    /// Nothing more can be sealed.
    pub(super) fn seal(&mut self, parts: &[IoSlice<'_>], space: &mut Vec<u8>, out: &mut Vec<u8>) -> io::Result<usize> {
        let first = parts.iter().position(|part| !part.is_empty()).unwrap_or(parts.len());
        // Empty ones in front would be all that fits.
        let parts = &parts[first..];
        let part;
        let parts = match fitting(parts) {
            0 => {
                let long = parts.first().map_or(&[][..], |part| part);
                part = [IoSlice::new(long.get(..PLAINTEXT_BYTES_MAX).unwrap_or(long))];
                &part[..]
            }
            fitting => &parts[..fitting],
        };
        match self {
            Self::Records(records) => records.seal(parts, out)?,
            Self::Library(connection) => {
                space.clear();
                parts.iter().for_each(|part| space.extend_from_slice(part));
                library_seal(connection, Some(space), out)?;
            }
        }
        Ok(parts.iter().map(|part| part.len()).sum())
    }

    /// Seals what tells the peer that nothing more comes.
    ///
    /// # Errors
    /// Nothing more can be sealed.
    pub(super) fn seal_close(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Records(records) => records.seal_alert(CLOSE_NOTIFY, out),
            Self::Library(connection) => library_seal(connection, None, out),
        }
    }

    /// Takes what is next from `input`, which it may change. Returns the number of bytes that are no longer needed. Plaintext goes to
    /// `plain`, and what has to be sent because of it to `out`.
    ///
    /// # Errors
    /// The peer does what it may not. An alert that says so is in `out`.
    pub(super) fn next(
        &mut self,
        input: &mut [u8],
        plain: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> io::Result<(usize, Step)> {
        match self {
            Self::Records(records) => records.next(input, plain, out),
            Self::Library(connection) => library_next(connection, input, plain, out),
        }
    }
}

#[cfg(test)]
impl Layer {
    /// Number of keys that this side has made after the first.
    pub(super) fn keys_made(&self) -> usize {
        match self {
            Self::Records(records) => records.keys_made,
            Self::Library(_) => 0,
        }
    }
}

/// The number of first parts that fit in one record together. None, if not even the first one does.
fn fitting(parts: &[IoSlice<'_>]) -> usize {
    let mut left = PLAINTEXT_BYTES_MAX;
    let too_much = parts.iter().position(|part| {
        let is_too_much = part.len() > left;
        left = left.saturating_sub(part.len());
        is_too_much
    });
    too_much.unwrap_or(parts.len())
}

impl fmt::Debug for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Records(_) => "Records",
            Self::Library(_) => "Library",
        })
    }
}

/// Both directions of a connection of TLS 1.3, and what makes the keys that follow.
pub(super) struct Records {
    sealer: Sealer,
    opener: Opener,
    kernel: KernelConnection<ServerConnectionData>,
    /// A new key is due when no more records are left than this.
    rekey_at: u64,
    /// The peer has asked for the next key.
    owes_update: bool,
    idle_records: u8,
    #[cfg(test)]
    keys_made: usize,
}

impl Records {
    /// `None`: the suite is not known here.
    pub(super) fn new(
        secrets: ExtractedSecrets,
        kernel: KernelConnection<ServerConnectionData>,
        rekey_at: u64,
    ) -> Option<Self> {
        let sealer = Sealer::new(secrets.tx.0, &secrets.tx.1)?;
        let opener = Opener::new(secrets.rx.0, secrets.rx.1)?;
        Some(Self {
            sealer,
            opener,
            kernel,
            rekey_at,
            owes_update: false,
            idle_records: 0,
            #[cfg(test)]
            keys_made: 0,
        })
    }

    fn seal(&mut self, parts: &[IoSlice<'_>], out: &mut Vec<u8>) -> io::Result<()> {
        if self.owes_update || self.sealer.records_left() <= self.rekey_at {
            self.update_key(out)?;
            self.owes_update = false;
        }
        self.sealer.seal(parts, Kind::ApplicationData, out).map_err(io::Error::other)?;
        Ok(())
    }

    fn seal_alert(&mut self, alert: [u8; 2], out: &mut Vec<u8>) -> io::Result<()> {
        self.sealer.seal(&[IoSlice::new(&alert)], Kind::Alert, out).map_err(io::Error::other)?;
        Ok(())
    }

    /// Announces the next key under the one before (RFC 8446 4.6.3).
    fn update_key(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let update = KeyUpdate { is_requested: false }.bytes();
        self.sealer.seal(&[IoSlice::new(&update)], Kind::Handshake, out).map_err(io::Error::other)?;
        let (sequence, secrets) = self.kernel.update_tx_secret().map_err(io::Error::other)?;
        self.sealer = known(Sealer::new(sequence, &secrets))?;
        #[cfg(test)]
        {
            self.keys_made += 1;
        }
        Ok(())
    }

    fn follow(&mut self, update: KeyUpdate) -> io::Result<()> {
        let (sequence, secrets): (u64, ConnectionTrafficSecrets) =
            self.kernel.update_rx_secret().map_err(io::Error::other)?;
        self.opener = known(Opener::new(sequence, secrets))?;
        // Announced before the next data goes out (RFC 8446 4.6.3), and once however often it is asked for: answers to a peer that asks
        // and does not read would pile up.
        self.owes_update |= update.is_requested;
        Ok(())
    }

    fn next(&mut self, input: &mut [u8], plain: &mut Vec<u8>, out: &mut Vec<u8>) -> io::Result<(usize, Step)> {
        let whole = Opener::record_bytes(input).map(|bytes| bytes.filter(|bytes| *bytes <= input.len()));
        let opened = match whole {
            Ok(None) => return Ok((0, Step::Hungry)),
            Ok(Some(bytes)) => self.opener.open(&mut input[..bytes]).map(|(kind, range)| (bytes, kind, range)),
            Err(fault) => Err(fault),
        };
        let (bytes, kind, range) = opened.map_err(|fault| self.refuse(fault.alert(), fault, out))?;
        let plaintext = &input[range];
        match kind {
            Kind::ApplicationData if !plaintext.is_empty() => {
                self.idle_records = 0;
                plain.extend_from_slice(plaintext);
                return Ok((bytes, Step::Some));
            }
            Kind::ApplicationData => {}
            // The level of an alert says nothing (RFC 8446 6).
            Kind::Alert if matches!(plaintext, [_, CLOSED]) => return Ok((bytes, Step::Closed)),
            Kind::Alert if matches!(plaintext, [_, USER_CANCELED]) => {}
            Kind::Alert => return Err(io::Error::new(io::ErrorKind::ConnectionAborted, alert(plaintext))),
            Kind::Handshake => {
                let update = KeyUpdate::read(plaintext);
                let update = update.map_err(|fault: Fault| self.refuse(fault.alert(), fault, out))?;
                self.follow(update)?;
            }
        }
        self.idle_records += 1;
        if self.idle_records > IDLE_RECORDS_MAX {
            return Err(self.refuse(UNEXPECTED_MESSAGE, "too many records without data", out));
        }
        Ok((bytes, Step::Some))
    }

    fn refuse(
        &mut self,
        description: u8,
        why: impl Into<Box<dyn std::error::Error + Send + Sync>>,
        out: &mut Vec<u8>,
    ) -> io::Error {
        // The connection is over, whether the peer is told or not.
        let _ = self.seal_alert([FATAL, description], out);
        io::Error::new(io::ErrorKind::InvalidData, why)
    }
}

fn alert(plaintext: &[u8]) -> String {
    match plaintext {
        [_, description] => format!("the peer sent the TLS alert {description}"),
        _ => "the peer sent a broken TLS alert".to_owned(),
    }
}

fn known<T>(made: Option<T>) -> io::Result<T> {
    made.ok_or_else(|| io::Error::other("rustls gave a key of another suite"))
}

/// Seals `plaintext`, or a close_notify, behind what rustls has to say before it.
fn library_seal(
    connection: &mut UnbufferedServerConnection,
    plaintext: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    loop {
        match connection.process_tls_records(&mut []).state.map_err(broken)? {
            ConnectionState::EncodeTlsData(mut data) => append(out, 0, |space| data.encode(space))?,
            ConnectionState::TransmitTlsData(data) => data.done(),
            ConnectionState::WriteTraffic(mut traffic) => {
                return match plaintext {
                    Some(plaintext) => append(out, plaintext.len(), |space| traffic.encrypt(plaintext, space)),
                    None => append(out, 0, |space| traffic.queue_close_notify(space)),
                };
            }
            ConnectionState::PeerClosed => {}
            _ => return Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

fn library_next(
    connection: &mut UnbufferedServerConnection,
    input: &mut [u8],
    plain: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> io::Result<(usize, Step)> {
    let status = connection.process_tls_records(input);
    let mut discard = status.discard;
    let step = match status.state {
        Ok(ConnectionState::ReadTraffic(mut traffic)) => {
            while let Some(record) = traffic.next_record() {
                let record = record.map_err(broken)?;
                plain.extend_from_slice(record.payload);
                discard += record.discard;
            }
            Step::Some
        }
        Ok(ConnectionState::EncodeTlsData(mut data)) => {
            append(out, 0, |space| data.encode(space))?;
            Step::Some
        }
        Ok(ConnectionState::TransmitTlsData(data)) => {
            data.done();
            Step::Some
        }
        Ok(ConnectionState::WriteTraffic(_)) => Step::Hungry,
        Ok(_) => Step::Closed,
        Err(error) => {
            flush_alert(connection, input, out)?;
            return Err(broken(error));
        }
    };
    Ok((discard, step))
}

/// Appends what rustls has to say after it has refused something in `input`, up to the alert. rustls must not be asked again after
/// that: it would look at the same input, and count it as another fault.
pub(super) fn flush_alert(
    connection: &mut UnbufferedServerConnection,
    input: &mut [u8],
    out: &mut Vec<u8>,
) -> io::Result<()> {
    while let Ok(ConnectionState::EncodeTlsData(mut data)) = connection.process_tls_records(input).state {
        let begin = out.len();
        append(out, 0, |space| data.encode(space))?;
        let record = &out[begin..];
        // TLS 1.3 seals its alerts, and no other record is as short.
        if record.first() == Some(&ALERT) || record.len() == SEALED_ALERT_BYTES {
            break;
        }
    }
    Ok(())
}

fn broken(error: Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Appends what `write` writes, which has about `bytes`.
pub(super) fn append<E: std::error::Error + Send + Sync + 'static>(
    out: &mut Vec<u8>,
    bytes: usize,
    write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
) -> io::Result<()> {
    let begin = out.len();
    // What rustls encodes in one piece is a record at most.
    let space = if bytes == 0 { fanfare_records::RECORD_BYTES_MAX } else { bytes };
    out.resize(begin + space + LIBRARY_OVERHEAD_BYTES, 0);
    let written = write(&mut out[begin..]);
    out.truncate(begin + written.as_ref().copied().unwrap_or(0));
    written.map(drop).map_err(io::Error::other)
}
