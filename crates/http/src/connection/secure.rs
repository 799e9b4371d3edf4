//! A socket that came to a listener of TLS: its handshake, and then what every connection has.

use std::{
    future::poll_fn,
    sync::Arc,
    time::{Duration, Instant},
};

use fanfare_callers::Act;
use fanfare_core::engine::{Kept, Reached};
use socket2::SockRef;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, sync::Semaphore, time::timeout};
use tracing::debug;

use crate::{
    app::App,
    connection::stop::stopped,
    limits::rule::Rule,
    link::{
        Peer,
        linger::{LINGER_TIME_MAX, linger},
        transport::Transport,
    },
    tls::{acceptor::TlsAcceptor, handshake::handshake, refusal::Refusal},
};

/// Answer to a client that speaks plain HTTP.
const NO_PLAIN: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\n\
                          This port speaks TLS, not plain HTTP: use a URL that begins with https://\n";
/// Time for a client to take that, or an alert.
const ANSWER_TIME: Duration = Duration::from_secs(1);

/// A socket that waits for its handshake, and what does it.
pub(crate) struct Unsecured {
    pub(crate) stream: TcpStream,
    pub(crate) acceptor: Arc<TlsAcceptor>,
    /// One permit: the handshakes of a thread take steps in turn.
    pub(crate) turns: Arc<Semaphore>,
}

impl Unsecured {
    /// Does the handshake. `None`: the connection is over, or `stop` is ready.
    pub(crate) async fn secured(self, app: &App, peer: &Peer, stop: &mut Reached) -> Option<Transport> {
        let Self { mut stream, acceptor, turns } = self;
        if let Err(refused) = peer.account().take(Act::Handshake, 1, app.now_ms()) {
            let rule = Some(Rule::OverLimit(refused.limit));
            app.refused.log_unread(app.now_ms(), peer.address, rule, &refused.to_string());
            // Without an answer, as where there is no room for a socket: EventSource comes back then.
            let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            return None;
        }
        let shaken = tokio::select! {
            biased;
            shaken = timeout(acceptor.handshake_timeout(), handshake(&mut stream, &acceptor, &turns)) => shaken,
            () = stopped(stop) => return None,
            () = poll_fn(|cx| peer.link.idler.poll_unwanted(cx)) => return None,
        };
        let refusal = match shaken {
            Ok(Ok(finish)) => match finish(stream) {
                Ok(tls) => {
                    let kept = Kept::new(Arc::clone(app.hub.budget()));
                    return Some(Transport::Tls(Box::new(tls.counted(kept))));
                }
                Err(error) => {
                    debug!(peer = %peer.address, %error, "cannot take a TLS connection over");
                    return None;
                }
            },
            Ok(Err(refusal)) => refusal,
            Err(_) => {
                log(app, peer, "the TLS handshake was not done in time (tls-handshake-timeout)");
                return None;
            }
        };
        match refusal {
            // Scanners and health checks of load balancers do nothing else.
            Refusal::Io(_) => debug!(peer = %peer.address, "{refusal}"),
            _ => log(app, peer, &refusal.to_string()),
        }
        let answer = if matches!(refusal, Refusal::PlainHttp) { NO_PLAIN } else { b"" };
        let last_word = async {
            if matches!(timeout(ANSWER_TIME, stream.write_all(answer)).await, Ok(Ok(()))) {
                // Closing on unread input would destroy the answer, or the alert.
                linger(&app.phases, &mut stream, Instant::now() + LINGER_TIME_MAX).await;
            }
        };
        tokio::select! {
            () = last_word => {}
            () = stopped(stop) => {}
            () = poll_fn(|cx| peer.link.idler.poll_unwanted(cx)) => {}
        }
        None
    }
}

fn log(app: &App, peer: &Peer, why: &str) {
    app.refused.log_unread(app.now_ms(), peer.address, None, why);
}
