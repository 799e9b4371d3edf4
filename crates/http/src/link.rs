//! [`Link`]: one connection of a client, as all its parties share it: the service, the bodies of its answers, the socket as hyper
//! sees it, and the connection's task. They run on one thread, one after the other.
//!
//! # Nouns
//!
//! - [`Link`]: one connection of a client, as all its parties share it.
//! - [`handoff::Handoff`]: how the socket of a stream leaves hyper.
//!
//! # Files
//!
//! - [`Peer`]: the client's end, which every request comes with.
//! - [`Owed`]: an answer that has not been sent whole. [`UnderWay`] is anything that keeps the connection from being idle.
//! - [`activity::Activity`]: what the connection is doing.
//! - [`carrier::Carrier`]: an HTTP/2 connection of ours. A [`party::Party`] has one stream of it: an [`h2_stream::H2Stream`], or a
//!   request and its answer.
//! - [`carriers::Carriers`]: those of one thread. [`due::Due`] are those that have frames to send. The [`pulse::Pulse`] asks whether
//!   their peers are there.
//! - [`transport::Transport`]: the byte stream of a connection. [`socket::ClientSocket`]: the way out of one stream.
//! - [`linger`]: the end of a connection whose client may still be sending.
//!
//! # Rules
//!
//! Nothing here reads a request or makes an answer.

pub(crate) mod activity;
pub(crate) mod carrier;
pub(crate) mod carriers;
pub(crate) mod due;
pub(crate) mod h2_stream;
pub(crate) mod handoff;
pub(crate) mod linger;
pub(crate) mod party;
pub(crate) mod pulse;
pub(crate) mod socket;
pub(crate) mod transport;

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Instant,
};

use fanfare_callers::{Account, Caller};
use fanfare_core::engine::Life;
use hyper::Version;
use parking_lot::Mutex;

use crate::{
    figures::streams::Transport,
    limits::{held::Held, holdings::Holdings, idle::Idler, log::shown, seat::Seat},
    link::{
        activity::{Activity, UnderWay},
        handoff::{Handoff, Parked},
    },
};

/// The client's end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) shard: u32,
    pub(crate) carriage: Carriage,
    pub(crate) is_tls: bool,
    pub(crate) link: Arc<Link>,
    /// What the address has taken and holds, if a proxy has named it. Boxed, because most connections have none.
    pub(crate) named: Option<Box<Account<Caller>>>,
}

impl Peer {
    /// What the client's address has taken and holds.
    pub(crate) fn account(&self) -> &Account<Caller> {
        self.named.as_deref().unwrap_or(&self.link.account)
    }

    /// Whether the address is that of the socket, or of its PROXY header, so that the socket counts for it. A header of a request names no
    /// port.
    pub(crate) fn is_at_socket(&self) -> bool {
        self.address.port() != 0
    }

    /// What carries a stream of this client.
    pub(crate) fn transport(&self, version: Version) -> Transport {
        match (version, self.is_tls) {
            _ if self.carriage == Carriage::Program => Transport::Program,
            (Version::HTTP_2, false) => Transport::Http2,
            (Version::HTTP_2, true) => Transport::Https2,
            (_, false) => Transport::Http1,
            (_, true) => Transport::Https1,
        }
    }

    pub(crate) fn shard(&self) -> usize {
        self.shard as usize
    }

    /// The address for the log. A proxy that has named it in a header has not said the port.
    pub(crate) fn shown(&self) -> String {
        shown(self.address)
    }
}

/// Who carries the requests of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carriage {
    /// hyper speaks HTTP/1 on a socket of ours.
    Http1,
    /// fanfare-h2 speaks HTTP/2 on a socket of ours.
    Frames,
    /// hyper speaks HTTP/2 on a socket of ours.
    Other,
    /// Another server, the program's own, carries the request.
    Program,
}

/// One connection of a client.
#[derive(Debug)]
pub(crate) struct Link {
    /// What the address of the other end has taken and holds.
    account: Account<Caller>,
    pub(crate) activity: Arc<Activity>,
    /// The connection's task, and whether it is asked to make room for others.
    pub(crate) idler: Arc<Idler>,
    pub(crate) holdings: Arc<Holdings>,
    handoff: Mutex<Handoff>,
    /// The life of the request that came last. Made with the request, before it is known whether the answer is a stream, so that
    /// whoever runs the request always has the right one.
    life: Mutex<Life>,
    /// The client may be sending until then, and has that much time to read its answer.
    lingers_until: Mutex<Option<Instant>>,
    /// The seat of a request that another server carries. It counts for its shard until its answer is sent.
    _seat: Option<Seat>,
}

impl Link {
    pub(crate) fn new(account: Account<Caller>) -> Self {
        Self::of_request(account, None)
    }

    /// The link of one request, which another server carries.
    pub(crate) fn of_request(account: Account<Caller>, seat: Option<Seat>) -> Self {
        Self {
            account,
            activity: Arc::default(),
            idler: Arc::default(),
            holdings: Arc::default(),
            handoff: Mutex::default(),
            life: Mutex::default(),
            lingers_until: Mutex::default(),
            _seat: seat,
        }
    }

    /// The service leaves a stream here.
    pub(crate) fn park(&self, parked: Parked) {
        *self.handoff.lock() = Handoff::Parked(Box::new(parked));
    }

    /// See [`Handoff::note_encoded`].
    pub(crate) fn note_encoded(&self) {
        self.handoff.lock().note_encoded();
    }

    /// The stream that was parked, once its head has left hyper and the process.
    pub(crate) fn take(&self) -> Option<Box<Parked>> {
        if self.activity.is_write_pending() { None } else { self.handoff.lock().take() }
    }

    /// Whether hyper has carried a stream here, parts of which it may still hold.
    pub(crate) fn has_kept(&self) -> bool {
        matches!(*self.handoff.lock(), Handoff::Kept)
    }

    /// The life of the request that came last.
    pub(crate) fn newest_life(&self) -> Life {
        self.life.lock().clone()
    }

    /// A request has come. Its answer is owed until the guard is dropped, which its body does.
    pub(crate) fn owe(self: &Arc<Self>) -> Owed {
        self.activity.count_request();
        let life = Life::default();
        *self.life.lock() = life.clone();
        Owed { under_way: self.begin(), life, held: OnceLock::new(), link: Arc::clone(self) }
    }

    /// The connection is not idle until the guard is dropped.
    pub(crate) fn begin(&self) -> UnderWay {
        UnderWay::begin(&self.activity)
    }

    /// Some of a request is left unread, so the connection is not to be closed at once before `until`.
    pub(crate) fn linger(&self, until: Instant) {
        *self.lingers_until.lock() = Some(until);
    }

    /// The moment until which the client may be sending, if it may.
    pub(crate) fn lingers_until(&self) -> Option<Instant> {
        *self.lingers_until.lock()
    }
}

/// An answer that has not been sent whole.
#[derive(Debug)]
pub(crate) struct Owed {
    under_way: UnderWay,
    life: Life,
    held: OnceLock<Box<Held>>,
    link: Arc<Link>,
}

impl Owed {
    /// The answer has this seat until it is sent.
    pub(crate) fn occupy(&self, seat: Held) {
        // A request has one answer, so nothing is there yet.
        let _ = self.held.set(Box::new(seat));
    }

    /// The answer is a stream that hyper keeps.
    pub(crate) fn keep(&self) {
        *self.link.handoff.lock() = Handoff::Kept;
    }

    /// Goes on counting for a stream that its shard writes.
    pub(crate) fn into_counted(self) -> (UnderWay, Option<Box<Held>>) {
        (self.under_way, self.held.into_inner())
    }

    /// The life of the request. It ends when the answer has to end from outside: the stream is cut, or the answer was not taken in
    /// its time.
    pub(crate) fn life(&self) -> &Life {
        &self.life
    }
}
