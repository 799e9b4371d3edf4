//! [`Lane`]: the way of a connection to its shard, and how many the shard has, so that they can be spread evenly.

use std::{
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::mpsc;

use crate::{handoff::Handoff, idle::IdlePlace, sockets::SocketPlace};

/// Sockets that were accepted and that their shard has not taken yet.
const ACCEPTED_MAX: usize = 1_024;

/// An accepted socket.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) stream: TcpStream,
    pub(crate) address: SocketAddr,
    pub(crate) place: Place,
    pub(crate) handoff: Arc<Handoff>,
    /// It is idle from the moment on in which it is accepted, whenever its thread comes to it.
    pub(crate) idle: IdlePlace,
}

/// The way to one shard.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    sender: mpsc::Sender<Accepted>,
    places: Arc<AtomicUsize>,
}

impl Lane {
    /// A lane and its end.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Accepted>) {
        let (sender, accepted) = mpsc::channel(ACCEPTED_MAX);
        (Self { sender, places: Arc::default() }, accepted)
    }

    /// The one whose shard has the fewest connections, and its number.
    pub(crate) fn emptiest(lanes: &[Self]) -> Option<(usize, &Self)> {
        // Relaxed: only evenness depends on it.
        lanes.iter().enumerate().min_by_key(|(_, lane)| lane.places.load(Ordering::Relaxed))
    }

    /// Sends a socket along. If the shard is gone it is closed: the shard has drained, or panicked, which ends the
    /// server elsewhere.
    pub(crate) async fn send(&self, accepted: Accepted) {
        let _ = self.sender.send(accepted).await;
    }

    /// Counts one connection more; without a socket if that is somebody else's.
    pub(crate) fn place(&self, socket: Option<SocketPlace>) -> Place {
        self.places.fetch_add(1, Ordering::Relaxed);
        Place { _shard: ShardPlace(Arc::clone(&self.places)), _socket: socket }
    }
}

/// One connection counted for its shard, and among the sockets, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Place {
    _shard: ShardPlace,
    _socket: Option<SocketPlace>,
}

#[derive(Debug)]
struct ShardPlace(Arc<AtomicUsize>);

impl Drop for ShardPlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
