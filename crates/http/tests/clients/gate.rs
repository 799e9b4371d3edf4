//! [`Gate`]: a network in front of a server that a test breaks and mends.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    mem,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// The answer of a proxy whose server is gone. A browser gives up for ever when it gets this.
const REFUSAL: &[u8] = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// How a gate ends its connections, and what it does with new ones until it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// Connections end as if the other side had closed them. New ones wait.
    End,
    /// Connections are reset. New ones wait.
    Reset,
    /// Connections are reset. New ones are closed without an answer to their request.
    Ignore,
    /// Connections are reset. New ones are answered `502`.
    Refuse,
}

/// Accepts until the process ends.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    server: SocketAddr,
    /// None: it is open.
    broken: Option<Break>,
    passing: Vec<Passing>,
    /// How many it has ever let pass.
    passed: usize,
    waiting: Vec<TcpStream>,
    /// How many were ignored or answered `502`.
    refused: usize,
}

/// Both ends of a connection.
#[derive(Debug)]
struct Passing {
    client: TcpStream,
    server: TcpStream,
}

impl Gate {
    /// Starts an open gate in front of this server.
    pub(crate) fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = State { server, broken: None, passing: Vec::new(), passed: 0, waiting: Vec::new(), refused: 0 };
        let gate = Self { address, state: Arc::new(Mutex::new(state)) };
        let state = Arc::clone(&gate.state);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                admit(&state, client);
            }
        });
        gate
    }

    /// Ends all connections.
    pub(crate) fn shut(&self, how: Break) {
        let mut state = self.state.lock().unwrap();
        state.broken = Some(how);
        for Passing { client, server } in mem::take(&mut state.passing) {
            if how == Break::End {
                let _ = client.shutdown(Shutdown::Both);
            } else {
                // It is reset when the last one who has it, here or in a thread, drops it.
                let _ = socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO));
                let _ = client.shutdown(Shutdown::Read);
            }
            let _ = server.shutdown(Shutdown::Both);
        }
    }

    /// Leads those who pass from now on to another server.
    pub(crate) fn lead_to(&self, server: SocketAddr) {
        self.state.lock().unwrap().server = server;
    }

    /// Lets those who wait and who come pass.
    pub(crate) fn open(&self) {
        let mut state = self.state.lock().unwrap();
        state.broken = None;
        for client in mem::take(&mut state.waiting) {
            drop(state);
            admit(&self.state, client);
            state = self.state.lock().unwrap();
        }
    }

    /// How many connections it has ever let pass.
    pub(crate) fn passed(&self) -> usize {
        self.state.lock().unwrap().passed
    }

    /// How many requests it has ignored or answered `502`.
    pub(crate) fn refused(&self) -> usize {
        self.state.lock().unwrap().refused
    }
}

fn admit(state: &Arc<Mutex<State>>, client: TcpStream) {
    let mut locked = state.lock().unwrap();
    match locked.broken {
        Some(Break::End | Break::Reset) => locked.waiting.push(client),
        Some(Break::Ignore) => refuse(state, client, b""),
        Some(Break::Refuse) => refuse(state, client, REFUSAL),
        None => {
            let Ok(server) = TcpStream::connect(locked.server) else { return };
            // A small piece must not wait for the acknowledgement of the one before.
            let _ = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
            let (from_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || {
                let _ = io::copy(&mut &from_client, &mut &to_server);
                let _ = to_server.shutdown(Shutdown::Both);
            });
            let (from_server, to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            let state = Arc::clone(state);
            thread::spawn(move || {
                let _ = io::copy(&mut &from_server, &mut &to_client);
                // An end in order would come before a reset.
                let locked = state.lock().unwrap();
                if matches!(locked.broken, None | Some(Break::End)) {
                    let _ = to_client.shutdown(Shutdown::Both);
                }
            });
            locked.passed += 1;
            locked.passing.push(Passing { client, server });
        }
    }
}

/// Reads the request first, because a socket with unread bytes is reset.
fn refuse(state: &Arc<Mutex<State>>, client: TcpStream, answer: &'static [u8]) {
    let state = Arc::clone(state);
    thread::spawn(move || {
        // Not as text: a header need not be UTF-8.
        let mut lines = BufReader::new(&client).split(b'\n').map_while(Result::ok);
        if lines.any(|line| line == b"\r") && (&client).write_all(answer).is_ok() {
            state.lock().unwrap().refused += 1;
        }
    });
}
