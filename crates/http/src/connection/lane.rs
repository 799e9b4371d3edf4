//! [`Lane`]: the way of a connection to its shard. It knows how many connections the shard has, so that they can be spread evenly.

use std::{
    net::{SocketAddr, TcpStream},
    sync::Arc,
};

use tokio::sync::mpsc;

use crate::{
    limits::{
        idle::IdleSeat,
        seat::{Seat, Seats},
        sockets::SocketSeat,
    },
    link::Link,
    tls::acceptor::TlsAcceptor,
};

/// Sockets that were accepted and that their shard has not taken yet.
const ACCEPTED_MAX: usize = 1_024;

/// An accepted socket.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) stream: TcpStream,
    pub(crate) address: SocketAddr,
    pub(crate) seat: Seat,
    pub(crate) link: Arc<Link>,
    /// The connection is idle from the moment in which it is accepted, whenever its thread comes to it.
    pub(crate) idle: IdleSeat,
    /// What does the handshake, if it came to a listener that speaks TLS.
    pub(crate) tls: Option<Arc<TlsAcceptor>>,
}

/// The way to one shard.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    sender: mpsc::Sender<Accepted>,
    seats: Seats,
}

impl Lane {
    /// A lane and its end.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Accepted>) {
        let (sender, accepted) = mpsc::channel(ACCEPTED_MAX);
        (Self { sender, seats: Seats::default() }, accepted)
    }

    /// The lane whose shard has the fewest connections, and the number of that shard.
    pub(crate) fn emptiest(lanes: &[Self]) -> Option<(usize, &Self)> {
        lanes.iter().enumerate().min_by_key(|(_, lane)| lane.seats.taken())
    }

    /// A seat in the shard with the fewest connections, for a connection that another server carries. The number of the shard
    /// comes with it.
    pub(crate) fn seat_in_emptiest(lanes: &[Self]) -> (usize, Option<Seat>) {
        Self::emptiest(lanes).map_or((0, None), |(shard, lane)| (shard, Some(lane.seats.take(None))))
    }

    /// Sends a socket along. If the shard is gone the socket is closed: the shard has drained, or has panicked, which ends the
    /// server elsewhere.
    pub(crate) async fn send(&self, accepted: Accepted) {
        let _ = self.sender.send(accepted).await;
    }

    /// Counts a connection with a socket of its own.
    pub(crate) fn seat(&self, socket: SocketSeat) -> Seat {
        self.seats.take(Some(socket))
    }
}
