//! [`Proxy`]: a network between a client and a server that can be cut, stalled and slowed down.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Chunks that are under way in one direction; then whoever sends them has to wait, as in a real network.
const CHUNKS_MAX: usize = 64;

/// A proxy on a port of its own. Everything is cut when it is dropped.
pub(crate) struct Proxy {
    port: u16,
    wire: Arc<Wire>,
    acceptor: Option<JoinHandle<()>>,
}

struct Wire {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    mode: Mode,
    delay: Duration,
    upstream: u16,
    /// Counts the cuts: a connection that was made before one must not carry a byte after it.
    cuts: u64,
    links: Vec<Link>,
    accepted: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Passing,
    HoldingAnswers,
    Stalled,
    Cut,
    Closed,
}

/// Both ends of one connection.
struct Link {
    number: u64,
    ends: [TcpStream; 2],
    /// Directions that still pass bytes.
    open: u8,
}

type Chunk = (Instant, Vec<u8>);

impl Proxy {
    /// In front of a port of 127.0.0.1; nobody has to listen there yet.
    pub(crate) fn start(upstream_port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (mode, delay) = (Mode::Passing, Duration::ZERO);
        let state = State { mode, delay, upstream: upstream_port, cuts: 0, links: Vec::new(), accepted: 0 };
        let wire = Arc::new(Wire { state: Mutex::new(state), changed: Condvar::new() });
        let shared = Arc::clone(&wire);
        let acceptor = thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if !shared.accept(client) {
                    return;
                }
            }
        });
        Self { port, wire, acceptor: Some(acceptor) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `redis://127.0.0.1:PORT`
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Closes all connections, and every new one at once. What was under way is lost.
    pub(crate) fn cut(&self) {
        self.wire.close_all(Mode::Cut);
    }

    /// Connections stay open, and new ones open, but no byte gets through. It is not lost: [`mend`](Self::mend) lets it
    /// pass.
    pub(crate) fn stall(&self) {
        self.wire.lock().mode = Mode::Stalled;
    }

    /// Lets the bytes of clients through, and no byte of the answers.
    pub(crate) fn hold_answers(&self) {
        self.wire.lock().mode = Mode::HoldingAnswers;
    }

    /// Undoes [`cut`](Self::cut), [`stall`](Self::stall) and [`hold_answers`](Self::hold_answers).
    pub(crate) fn mend(&self) {
        self.wire.lock().mode = Mode::Passing;
        self.wire.changed.notify_all();
    }

    /// From now on each chunk arrives so much later; the order is kept, and chunks do not wait for each other.
    pub(crate) fn delay(&self, delay: Duration) {
        self.wire.lock().delay = delay;
    }

    /// New connections go there.
    pub(crate) fn set_upstream(&self, port: u16) {
        self.wire.lock().upstream = port;
    }

    /// How many are open now.
    pub(crate) fn connections(&self) -> usize {
        self.wire.lock().links.len()
    }

    /// How many clients have ever connected, those that were refused as well.
    pub(crate) fn accepted(&self) -> u64 {
        self.wire.lock().accepted
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.wire.close_all(Mode::Closed);
        // The acceptor waits for a client; this is the last.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let _ = self.acceptor.take().map(JoinHandle::join);
    }
}

impl Wire {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close_all(&self, mode: Mode) {
        let mut state = self.lock();
        state.mode = mode;
        state.cuts += 1;
        for end in state.links.drain(..).flat_map(|link| link.ends) {
            let _ = end.shutdown(Shutdown::Both);
        }
        self.changed.notify_all();
    }

    /// Whether another may come.
    fn accept(self: &Arc<Self>, client: TcpStream) -> bool {
        let (mode, upstream, cuts, number) = {
            let mut state = self.lock();
            state.accepted += 1;
            (state.mode, state.upstream, state.cuts, state.accepted)
        };
        if matches!(mode, Mode::Cut | Mode::Closed) {
            return mode == Mode::Cut;
        }
        let Ok(server) = TcpStream::connect(("127.0.0.1", upstream)) else { return true };
        let ends = [client, server];
        ends.iter().for_each(|end| end.set_nodelay(true).unwrap());
        let [forth, back] = [[0, 1], [1, 0]].map(|pair| pair.map(|end: usize| ends[end].try_clone().unwrap()));
        let mut state = self.lock();
        if state.cuts == cuts {
            state.links.push(Link { number, ends, open: 2 });
            for ([from, to], is_answers) in [(forth, false), (back, true)] {
                let (sender, chunks) = sync_channel(CHUNKS_MAX);
                thread::spawn(move || read_all(from, &sender));
                let wire = Arc::clone(self);
                thread::spawn(move || wire.write_all(to, &chunks, is_answers, cuts, number));
            }
        }
        true
    }

    fn write_all(&self, mut to: TcpStream, chunks: &Receiver<Chunk>, is_answers: bool, cuts: u64, number: u64) {
        for (read_at, chunk) in chunks {
            let arrives_at = read_at + self.lock().delay;
            thread::sleep(arrives_at.saturating_duration_since(Instant::now()));
            if !self.may_pass(is_answers, cuts) || to.write_all(&chunk).is_err() {
                break;
            }
        }
        if self.may_pass(is_answers, cuts) {
            // The other end has closed; this one is told so.
            let _ = to.shutdown(Shutdown::Write);
        }
        let mut state = self.lock();
        state.links.iter_mut().filter(|link| link.number == number).for_each(|link| link.open -= 1);
        state.links.retain(|link| link.open > 0);
    }

    /// Waits while it is stalled; false if there was a cut.
    fn may_pass(&self, is_answers: bool, cuts: u64) -> bool {
        let is_stalled = |state: &mut State| match state.mode {
            Mode::Stalled => state.cuts == cuts,
            Mode::HoldingAnswers => is_answers && state.cuts == cuts,
            Mode::Passing | Mode::Cut | Mode::Closed => false,
        };
        let state = self.changed.wait_while(self.lock(), is_stalled).unwrap_or_else(PoisonError::into_inner);
        state.cuts == cuts
    }
}

fn read_all(mut from: TcpStream, chunks: &SyncSender<Chunk>) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if chunks.send((Instant::now(), buffer[..length].to_vec())).is_err() {
            return;
        }
    }
}
