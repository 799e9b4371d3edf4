//! [`Relay`]: forwards connections between a proxy and a node, and counts those for publishes.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// A relay that accepts until the process ends.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    opened: AtomicUsize,
    ended: AtomicUsize,
}

impl Relay {
    /// Starts a relay in front of the node at `to`.
    pub(crate) fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Self { address: listener.local_addr().unwrap(), counts: Arc::default() };
        let counts = Arc::clone(&relay.counts);
        thread::spawn(move || {
            for proxy in listener.incoming().map_while(Result::ok) {
                // The proxy sees an end when nobody is there.
                let Ok(node) = TcpStream::connect(to) else { continue };
                let (from_proxy, to_node) = (proxy.try_clone().unwrap(), node.try_clone().unwrap());
                let counts = Arc::clone(&counts);
                thread::spawn(move || {
                    // Others are streams, or ask whether the node is well.
                    let is_counted = begins_with_post(&from_proxy);
                    counts.opened.fetch_add(usize::from(is_counted), Ordering::Relaxed);
                    pass_on(&from_proxy, &to_node);
                    counts.ended.fetch_add(usize::from(is_counted), Ordering::Relaxed);
                });
                thread::spawn(move || pass_on(&node, &proxy));
            }
        });
        relay
    }

    /// Number of connections for publishes so far.
    pub(crate) fn opened(&self) -> usize {
        self.counts.opened.load(Ordering::Relaxed)
    }

    /// Number of these that have ended.
    pub(crate) fn ended(&self) -> usize {
        self.counts.ended.load(Ordering::Relaxed)
    }
}

fn begins_with_post(proxy: &TcpStream) -> bool {
    let mut first = [0];
    proxy.peek(&mut first).is_ok_and(|count| count == 1) && first == *b"P"
}

fn pass_on(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}
