//! [`Cutter`]: a proxy that breaks every connection off after a few hundred bytes, in the middle of anything.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::support::rng::Rng;

/// More than the answer to anything that is no stream.
const BYTES_MIN: usize = 600;
const BYTES_MAX: usize = 6_000;

/// Accepts until the process ends.
#[derive(Debug)]
pub(crate) struct Cutter {
    pub(crate) address: SocketAddr,
    cuts: Arc<AtomicUsize>,
}

impl Cutter {
    /// Starts a cutter in front of the server at `to`.
    pub(crate) fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let cuts = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&cuts);
        thread::spawn(move || {
            let mut rng = Rng::new(7);
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(to) else { continue };
                let (bytes, is_reset) = (BYTES_MIN + rng.below(BYTES_MAX - BYTES_MIN), rng.below(2) == 0);
                let (from_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || pass_on(from_client, to_server, usize::MAX));
                let counted = Arc::clone(&counted);
                thread::spawn(move || {
                    let passed = pass_on(server.try_clone().unwrap(), client.try_clone().unwrap(), bytes);
                    if passed == bytes {
                        counted.fetch_add(1, Ordering::Relaxed);
                    }
                    let _ = server.shutdown(Shutdown::Both);
                    // Ends the other direction too. With its socket the last one is closed.
                    let how = if is_reset { Shutdown::Read } else { Shutdown::Both };
                    if is_reset {
                        let _ = socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO));
                    }
                    let _ = client.shutdown(how);
                });
            }
        });
        Self { address, cuts }
    }

    /// How many connections were broken off.
    pub(crate) fn cuts(&self) -> usize {
        self.cuts.load(Ordering::Relaxed)
    }
}

/// Copies at most `bytes_max` bytes, and gives their number.
fn pass_on(mut from: TcpStream, mut to: TcpStream, bytes_max: usize) -> usize {
    let (mut space, mut passed) = ([0; 4_096], 0);
    while passed < bytes_max {
        let wanted = space.len().min(bytes_max - passed);
        let Ok(count @ 1..) = from.read(&mut space[..wanted]) else { break };
        if to.write_all(&space[..count]).is_err() {
            break;
        }
        passed += count;
    }
    passed
}
