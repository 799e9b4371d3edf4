//! [`Tls`]: the floor's TLS of one connection, which is rustls' own buffered connection with nothing around it.
//!
//! The floor with TLS is what everybody could build, not the least that is possible: about 8 KiB a connection, and a
//! copy of every byte. Resumption is off, as the load generator never resumes.

use std::io::{self, BufRead, IoSlice, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::{ServerConfig, ServerConnection};

use crate::args::floor::TlsArgs;
use crate::floor::error::FloorError;
use crate::floor::gone::{Gone, WAITING_BYTES_MAX};

/// TLS of one connection.
#[derive(Debug)]
pub(super) struct Tls(Box<ServerConnection>);

/// The settings of all connections, or `None` if the floor does without TLS.
pub(super) fn config(args: &TlsArgs) -> Result<Option<Arc<ServerConfig>>, FloorError> {
    let (Some(cert), Some(key)) = (&args.tls_cert, &args.tls_key) else { return Ok(None) };
    let unread = |file| move |cause| FloorError::Pem { file, cause };
    let chain = CertificateDer::pem_file_iter(cert).and_then(Iterator::collect);
    let chain: Vec<CertificateDer<'static>> = chain.map_err(unread(cert.clone()))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(unread(key.clone()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(FloorError::Tls)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(FloorError::Tls)?;
    config.alpn_protocols = [&b"h2"[..], b"http/1.1"].map(<[u8]>::to_vec).to_vec();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Some(Arc::new(config)))
}

impl Tls {
    pub(super) fn new(config: &Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        let mut connection = ServerConnection::new(Arc::clone(config))?;
        connection.set_buffer_limit(Some(WAITING_BYTES_MAX));
        Ok(Self(Box::new(connection)))
    }

    /// Takes bytes of the socket and gives the plain ones among them to `take`. There may be bytes to flush afterwards,
    /// also after an error, which the client is told of.
    pub(super) fn open(&mut self, mut sealed: &[u8], mut take: impl FnMut(&[u8])) -> Result<(), Gone> {
        while !sealed.is_empty() {
            if !self.0.read_tls(&mut sealed).is_ok_and(|read| read > 0) {
                return Err(Gone);
            }
            self.0.process_new_packets().map_err(|_| Gone)?;
            let mut reader = self.0.reader();
            // An error means that nothing more is there now, or ever: the socket tells the end too.
            while let Ok(plain) = reader.fill_buf() {
                let taken = plain.len();
                if taken == 0 {
                    break;
                }
                take(plain);
                reader.consume(taken);
            }
        }
        Ok(())
    }

    /// Seals these bytes. They wait until they are flushed.
    #[inline]
    pub(super) fn seal(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        if self.0.writer().write(bytes).is_ok_and(|taken| taken == bytes.len()) { Ok(()) } else { Err(Gone) }
    }

    /// Writes what waits. True: the socket takes no more now.
    #[inline]
    pub(super) fn flush(&mut self, socket: &OwnedFd) -> Result<bool, Gone> {
        while self.0.wants_write() {
            match self.0.write_tls(&mut Socket(socket)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Gone),
            }
        }
        Ok(false)
    }
}

/// A socket as rustls wants it: all records of a flight leave in one system call.
struct Socket<'a>(&'a OwnedFd);

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(self.0, bytes)?)
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(rustix::io::writev(self.0, parts)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
