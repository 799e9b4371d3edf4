//! [`Site`]: an HTTP server inside a test, which keeps its connections and remembers every request.

use std::{
    io::{self, BufRead as _, BufReader, Read as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use serde_json::Value;

use crate::support::until;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: String,
    /// The number of the connection that it came on.
    pub(crate) socket: usize,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

pub(crate) struct Site {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

/// A connection of a client, with TLS or without.
trait Stream: io::Read + io::Write + Send {}
impl<T: io::Read + io::Write + Send> Stream for T {}

impl Site {
    /// `answer` writes the whole answer. An error ends the connection.
    pub(crate) fn new(answer: impl Fn(&Request, &mut dyn io::Write) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self::started("http://127.0.0.1", |stream| Box::new(stream), answer)
    }

    /// The same over https. Returns the certificate for `localhost` as well, as PEM.
    pub(crate) fn secure(
        answer: impl Fn(&Request, &mut dyn io::Write) -> io::Result<()> + Send + Sync + 'static,
    ) -> (Self, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key);
        let config = Arc::new(config.unwrap());
        let wrap = move |stream| -> Box<dyn Stream> {
            Box::new(StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream))
        };
        (Self::started("https://localhost", wrap, answer), made.cert.pem())
    }

    fn started(
        host: &str,
        wrap: impl Fn(TcpStream) -> Box<dyn Stream> + Send + Sync + 'static,
        answer: impl Fn(&Request, &mut dyn io::Write) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{host}:{}", listener.local_addr().unwrap().port());
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (remembered, answer) = (Arc::clone(&requests), Arc::new(answer));
        thread::spawn(move || {
            for (socket, stream) in listener.incoming().map_while(Result::ok).enumerate() {
                let stream = wrap(stream);
                let (remembered, answer) = (Arc::clone(&remembered), Arc::clone(&answer));
                thread::spawn(move || {
                    let mut reader = BufReader::new(stream);
                    while let Ok(request) = read(&mut reader, socket) {
                        remembered.lock().unwrap().push(request.clone());
                        if answer(&request, reader.get_mut()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, requests }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn wait_for(&self, number: usize) {
        until(&format!("{number} requests"), || self.requests().len() >= number);
    }
}

fn read(stream: &mut BufReader<Box<dyn Stream>>, socket: usize) -> io::Result<Request> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let mut request = Request { head, body: String::new(), socket };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    request.body = String::from_utf8(body).unwrap();
    Ok(request)
}

/// Writes an answer whose headers end with a line break each.
pub(crate) fn write(stream: &mut dyn io::Write, status: &str, headers: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}")
}
