//! [`Attacker`]: a peer that says whatever frames it is given, and notes what comes back.

use std::{
    io::{ErrorKind, Read, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use crate::support::{
    PATIENCE,
    frames::{GOAWAY, HEADERS, PREFACE, RST_STREAM, SETTINGS, frame},
    until,
};

const NO_CODE: u32 = u32::MAX;

/// Totals of what has come.
#[derive(Debug)]
pub(crate) struct Seen {
    goaway: AtomicU32,
    heads: AtomicUsize,
    resets: AtomicUsize,
}

/// One connection. It reads all that comes, so the server never waits for it.
#[derive(Debug)]
pub(crate) struct Attacker {
    socket: TcpStream,
    seen: Arc<Seen>,
    reader: Option<JoinHandle<()>>,
}

impl Attacker {
    /// A connection that has sent the preface and its settings, and has not acknowledged those of the server.
    pub(crate) fn open(address: SocketAddr) -> Self {
        Self::with(address, &[])
    }

    /// The same, with these settings.
    pub(crate) fn with(address: SocketAddr, settings: &[u8]) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        socket.set_nodelay(true).unwrap();
        let seen = Arc::new(Seen { goaway: AtomicU32::new(NO_CODE), heads: 0.into(), resets: 0.into() });
        let (from, notes) = (socket.try_clone().unwrap(), Arc::clone(&seen));
        let reader = thread::spawn(move || note_all(from, &notes));
        let mut attacker = Self { socket, seen, reader: Some(reader) };
        attacker.say(&[PREFACE, &frame(SETTINGS, 0, 0, settings)].concat());
        attacker
    }

    /// False once the server has said that the connection is over, or has closed it.
    pub(crate) fn say(&mut self, bytes: &[u8]) -> bool {
        self.code().is_none() && self.socket.write_all(bytes).is_ok()
    }

    /// The reason for which the server has ended the connection.
    pub(crate) fn code(&self) -> Option<u32> {
        Some(self.seen.goaway.load(Ordering::Relaxed)).filter(|code| *code != NO_CODE)
    }

    /// Waits until the server ends the connection.
    #[track_caller]
    pub(crate) fn until_ended(&self) {
        until("the server ends the connection", || self.has_ended());
    }

    /// Whether the server has ended the connection.
    pub(crate) fn has_ended(&self) -> bool {
        self.code().is_some() || self.reader.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits until so many answers have begun.
    #[track_caller]
    pub(crate) fn until_heads(&self, count: usize) {
        until(&format!("{count} answers"), || self.seen.heads.load(Ordering::Relaxed) >= count);
    }

    /// How many streams the server has reset.
    pub(crate) fn resets(&self) -> usize {
        self.seen.resets.load(Ordering::Relaxed)
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

/// Reads frames until the end, and keeps none of their bytes.
fn note_all(mut from: impl Read, seen: &Seen) {
    let mut payload = [0; 1 << 14];
    loop {
        let mut head = [0; 9];
        if read(&mut from, &mut head).is_none() {
            return;
        }
        let bytes = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        if read(&mut from, &mut payload[..bytes]).is_none() {
            return;
        }
        match head[3] {
            // The first one may only say that an end comes.
            GOAWAY => {
                let code = u32::from_be_bytes([payload[4], payload[5], payload[6], payload[7]]);
                seen.goaway.store(code, Ordering::Relaxed);
            }
            HEADERS => drop(seen.heads.fetch_add(1, Ordering::Relaxed)),
            RST_STREAM => drop(seen.resets.fetch_add(1, Ordering::Relaxed)),
            _ => {}
        }
    }
}

fn read(from: &mut impl Read, mut space: &mut [u8]) -> Option<()> {
    while !space.is_empty() {
        match from.read(space) {
            Ok(count @ 1..) => space = &mut space[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return None,
        }
    }
    Some(())
}
