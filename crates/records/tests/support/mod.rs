//! A connection whose handshake rustls does, and whose records are ours after that. Certificates of the tests.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::{
    io::{IoSlice, Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

use fanfare_records::{HEADER_BYTES, KeyUpdate, Kind, Opener, Sealer};
use rustls::{
    ClientConfig, ConnectionTrafficSecrets, Error, RootCertStore, ServerConfig, SupportedCipherSuite,
    client::UnbufferedClientConnection,
    crypto::{CryptoProvider, ring},
    pki_types::{PrivateKeyDer, ServerName},
    server::UnbufferedServerConnection,
    unbuffered::ConnectionState,
};

/// Nobody may wait for longer.
const TIME_MAX: Duration = Duration::from_secs(20);

/// The suites of TLS 1.3, and their names in openssl.
pub(crate) const SUITES: [(SupportedCipherSuite, &str); 3] = [
    (ring::cipher_suite::TLS13_AES_128_GCM_SHA256, "TLS_AES_128_GCM_SHA256"),
    (ring::cipher_suite::TLS13_AES_256_GCM_SHA384, "TLS_AES_256_GCM_SHA384"),
    (ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256, "TLS_CHACHA20_POLY1305_SHA256"),
];

/// A certificate for `localhost`, and its key.
pub(crate) fn certificate() -> rcgen::CertifiedKey<rcgen::KeyPair> {
    rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

fn provider(suite: SupportedCipherSuite) -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider { cipher_suites: vec![suite], ..ring::default_provider() })
}

pub(crate) fn server_config(suite: SupportedCipherSuite, made: &rcgen::CertifiedKey<rcgen::KeyPair>) -> ServerConfig {
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let builder = ServerConfig::builder_with_provider(provider(suite)).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    config.enable_secret_extraction = true;
    config
}

pub(crate) fn client_config(suite: SupportedCipherSuite, made: &rcgen::CertifiedKey<rcgen::KeyPair>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(provider(suite)).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.enable_secret_extraction = true;
    config
}

pub(crate) fn name() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

/// Makes the keys that follow a KeyUpdate.
type NextKey = Box<dyn FnMut(Direction) -> Result<(u64, ConnectionTrafficSecrets), Error>>;

#[derive(Clone, Copy)]
enum Direction {
    Out,
    In,
}

/// One end of a connection, after its handshake.
pub(crate) struct Ours {
    socket: TcpStream,
    sealer: Sealer,
    opener: Opener,
    next_key: NextKey,
    /// Bytes that have come and are no whole record yet.
    input: Vec<u8>,
    pub(crate) updates_seen: usize,
}

/// Does the handshake of an unbuffered connection of either side, and gives an [`Ours`].
macro_rules! take_over {
    ($connection:expr, $socket:expr) => {{
        let (mut connection, mut socket) = ($connection, $socket);
        socket.set_read_timeout(Some(TIME_MAX)).unwrap();
        let (mut input, mut output) = (Vec::new(), Vec::new());
        loop {
            let status = connection.process_tls_records(&mut input);
            let discard = status.discard;
            let mut is_done = false;
            let mut is_hungry = false;
            match status.state.unwrap() {
                ConnectionState::EncodeTlsData(mut data) => {
                    let begin = output.len();
                    output.resize(begin + 32_768, 0);
                    let bytes = data.encode(&mut output[begin..]).unwrap();
                    output.truncate(begin + bytes);
                }
                ConnectionState::TransmitTlsData(data) => {
                    socket.write_all(&output).unwrap();
                    output.clear();
                    data.done();
                }
                ConnectionState::BlockedHandshake => is_hungry = true,
                ConnectionState::WriteTraffic(_) => is_done = true,
                state => panic!("{state:?} in a handshake"),
            }
            input.drain(..discard);
            if is_done {
                break;
            }
            if is_hungry {
                // As many bytes as one record has, so that no record behind the handshake is read by rustls.
                let begin = input.len();
                input.resize(begin + HEADER_BYTES, 0);
                socket.read_exact(&mut input[begin..]).unwrap();
                let bytes = usize::from(u16::from_be_bytes([input[begin + 3], input[begin + 4]]));
                input.resize(begin + HEADER_BYTES + bytes, 0);
                socket.read_exact(&mut input[begin + HEADER_BYTES..]).unwrap();
            }
        }
        let (secrets, mut kernel) = connection.dangerous_into_kernel_connection().unwrap();
        Ours {
            socket,
            sealer: Sealer::new(secrets.tx.0, &secrets.tx.1).unwrap(),
            opener: Opener::new(secrets.rx.0, secrets.rx.1).unwrap(),
            next_key: Box::new(move |direction| match direction {
                Direction::Out => kernel.update_tx_secret(),
                Direction::In => kernel.update_rx_secret(),
            }),
            input,
            updates_seen: 0,
        }
    }};
}

impl Ours {
    pub(crate) fn server(socket: TcpStream, config: ServerConfig) -> Self {
        take_over!(UnbufferedServerConnection::new(Arc::new(config)).unwrap(), socket)
    }

    pub(crate) fn client(socket: TcpStream, config: ClientConfig) -> Self {
        take_over!(UnbufferedClientConnection::new(Arc::new(config), name()).unwrap(), socket)
    }

    pub(crate) fn send(&mut self, parts: &[&[u8]]) {
        let parts: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
        self.send_kind(&parts, Kind::ApplicationData);
    }

    fn send_kind(&mut self, parts: &[IoSlice<'_>], kind: Kind) {
        let mut out = Vec::new();
        self.sealer.seal(parts, kind, &mut out).unwrap();
        self.socket.write_all(&out).unwrap();
    }

    pub(crate) fn update_key(&mut self, is_requested: bool) {
        self.send_kind(&[IoSlice::new(&KeyUpdate { is_requested }.bytes())], Kind::Handshake);
        let (sequence, secrets) = (self.next_key)(Direction::Out).unwrap();
        self.sealer = Sealer::new(sequence, &secrets).unwrap();
    }

    pub(crate) fn close(&mut self) {
        self.send_kind(&[IoSlice::new(&[1, 0])], Kind::Alert);
    }

    /// The next application data. KeyUpdates are followed and answered, and tickets are passed over. `None`: the peer has closed.
    pub(crate) fn receive(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.receive_record() {
                (Kind::ApplicationData, plaintext) => return Some(plaintext),
                (Kind::Alert, alert) if alert == [1, 0] => return None,
                (Kind::Alert, alert) => panic!("alert {alert:?}"),
                (Kind::Handshake, _) => {}
            }
        }
    }

    /// The next KeyUpdate, which must come before any data.
    pub(crate) fn receive_update(&mut self) {
        let seen = self.updates_seen;
        while self.updates_seen == seen {
            assert_eq!(self.receive_record().0, Kind::Handshake);
        }
    }

    fn receive_record(&mut self) -> (Kind, Vec<u8>) {
        let bytes = loop {
            let bytes = Opener::record_bytes(&self.input).unwrap();
            if let Some(bytes) = bytes.filter(|bytes| *bytes <= self.input.len()) {
                break bytes;
            }
            let mut space = [0; 4_096];
            let read = self.socket.read(&mut space).unwrap();
            assert!(read > 0, "the peer ended without a close_notify");
            self.input.extend_from_slice(&space[..read]);
        };
        let mut record: Vec<u8> = self.input.drain(..bytes).collect();
        let (kind, range) = self.opener.open(&mut record).unwrap();
        let plaintext = record[range].to_owned();
        // The other handshake message is a ticket.
        if kind == Kind::Handshake && plaintext[0] != 4 {
            let update = KeyUpdate::read(&plaintext).unwrap();
            self.updates_seen += 1;
            let (sequence, secrets) = (self.next_key)(Direction::In).unwrap();
            self.opener = Opener::new(sequence, secrets).unwrap();
            if update.is_requested {
                self.update_key(false);
            }
        }
        (kind, plaintext)
    }

    /// Receives until `bytes` have come in all.
    pub(crate) fn receive_bytes(&mut self, bytes: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < bytes {
            all.extend(self.receive().expect("more"));
        }
        all
    }
}
