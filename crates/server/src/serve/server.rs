//! [`Server`]: sockets that are served, until a signal, or until another process takes them over.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    pin::pin,
    process,
};

use fanfare_admin::Serving;
use fanfare_http::{Ended, Fanfare, Listeners, Stop, TlsAcceptor};
use tracing::{error, info};

use super::{admin::AdminSocket, supervisor};
use crate::{
    failure::Failure,
    signals::Shutdown,
    sockets::{ADMIN, HTTP, HTTPS},
    upgrade::{self, Asking, Leaving},
};

/// Sockets, and what ends their service.
pub(super) struct Server {
    pub(super) plain: Option<(TcpListener, SocketAddr)>,
    pub(super) secure: Option<(TcpListener, SocketAddr)>,
    pub(super) acceptor: Option<TlsAcceptor>,
    /// Number of threads that serve, for the log.
    pub(super) shards: usize,
    pub(super) asking: Asking,
    pub(super) shutdown: Shutdown,
    pub(super) admin: Option<AdminSocket>,
}

/// The end of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The process has nothing left to do.
    Over,
    /// It has drained for another process, which cannot serve.
    Again,
}

impl Server {
    /// Serves with this engine, to its end.
    ///
    /// # Errors
    /// A part has failed, or connections had to be cut.
    pub(super) async fn serve(&mut self, fanfare: Fanfare) -> Result<End, Failure> {
        let handle = fanfare.handle();
        // Until the drain is over, because operators watch it, or until another process has the socket.
        let operating = self.admin.as_ref().map(|admin| admin.serve(handle.clone())).transpose();
        let operating = operating.map_err(|error| Failure::of_system("cannot serve operators", &error))?;
        let alive = tokio::spawn(supervisor::keep_alive(move || handle.failure().is_none()));
        let end = self.serve_to_the_end(fanfare, operating).await;
        // Another engine may follow, and speaks for itself.
        alive.abort();
        end
    }

    async fn serve_to_the_end(&mut self, fanfare: Fanfare, operating: Option<Serving>) -> Result<End, Failure> {
        let handle = fanfare.handle();
        let listeners = self.listeners().map_err(|error| Failure::of_system("cannot serve", &error))?;
        self.tell_addresses();
        supervisor::tell_ready(&self.status());
        let Self { plain, secure, asking, shutdown, admin, .. } = self;
        let named = [
            (HTTP, plain.as_ref().map(|(socket, _)| socket)),
            (HTTPS, secure.as_ref().map(|(socket, _)| socket)),
            (ADMIN, admin.as_ref().map(|admin| &admin.listener)),
        ];
        let named: Vec<_> = named.into_iter().filter_map(|(name, socket)| Some((name, socket?))).collect();
        let leaving = Leaving::default();
        let (told, mut stopping) = (leaving.clone(), shutdown.clone());
        let stop = async move {
            tokio::select! {
                biased;
                stop = told.told() => stop,
                () = stopping.told() => {
                    supervisor::tell_stopping();
                    Stop::Drain
                }
            }
        };
        let mut serving = pin!(fanfare.serve_until(listeners, stop));
        loop {
            let mut successor = tokio::select! {
                biased;
                ended = &mut serving => return checked(ended).map(|()| End::Over),
                // It drains, and nobody takes over from it.
                () = shutdown.told() => {
                    if asking.is_beginning() {
                        upgrade::called_off();
                    }
                    tokio::select! {
                        biased;
                        ended = &mut serving => return checked(ended).map(|()| End::Over),
                        () = handle.draining() => {}
                    }
                    // The engine has closed its own. In these a connection would wait for nobody.
                    (*plain, *secure) = (None, None);
                    return checked(serving.as_mut().await).map(|()| End::Over);
                }
                successor = asking.successor(&named) => successor,
            };
            let id = successor.id();
            if asking.drains_first() {
                supervisor::tell_ready("draining for another process");
                leaving.leave();
                let drained = tokio::select! {
                    biased;
                    ended = &mut serving => checked(ended),
                    () = shutdown.told() => {
                        upgrade::called_off();
                        supervisor::tell_stopping();
                        drop(successor);
                        (*plain, *secure) = (None, None);
                        return checked(serving.as_mut().await).map(|()| End::Over);
                    }
                };
                let ready = tokio::select! {
                    biased;
                    () = shutdown.told() => {
                        // It ends with this process, which it takes nothing over from.
                        upgrade::called_off();
                        supervisor::tell_stopping();
                        return drained.map(|()| End::Over);
                    }
                    ready = upgrade::let_go(successor) => ready,
                };
                let ready = ready.and_then(|mut ready| {
                    supervisor::tell_main(id);
                    ready.serve().inspect_err(|_| supervisor::tell_main(process::id()))
                });
                return match ready {
                    Ok(()) => over(id, drained),
                    Err(reason) => {
                        drained.unwrap_or_else(|failure| error!("{}", failure.reason));
                        upgrade::failed(&reason);
                        Ok(End::Again)
                    }
                };
            }
            supervisor::tell_main(id);
            match successor.serve() {
                Ok(()) => {
                    supervisor::say_no_more();
                    leaving.leave();
                    // The other process has them. If that one ended, a connection would wait here for nobody.
                    (*plain, *secure, *admin) = (None, None, None);
                    drop(operating);
                    return over(id, checked(serving.as_mut().await));
                }
                Err(reason) => {
                    supervisor::tell_main(process::id());
                    upgrade::failed(&reason);
                }
            }
        }
    }

    fn listeners(&self) -> io::Result<Listeners> {
        let clone = |socket: &Option<(TcpListener, SocketAddr)>| {
            socket.as_ref().map(|(listener, _)| listener.try_clone()).transpose()
        };
        Ok(Listeners { plain: clone(&self.plain)?, tls: clone(&self.secure)?.zip(self.acceptor.clone()) })
    }

    fn tell_addresses(&self) {
        let (version, shards) = (env!("CARGO_PKG_VERSION"), self.shards);
        if let Some((_, address)) = &self.plain {
            info!(version, shards, "listening on http://{address}");
        }
        if let Some((_, address)) = &self.secure {
            info!(version, shards, "listening on https://{address}");
        }
    }

    /// Where it serves, in a sentence.
    fn status(&self) -> String {
        let plain = self.plain.as_ref().map(|(_, address)| format!("http://{address}"));
        let secure = self.secure.as_ref().map(|(_, address)| format!("https://{address}"));
        format!("serving on {}", plain.into_iter().chain(secure).collect::<Vec<_>>().join(" and "))
    }
}

/// The process of this `id` serves.
fn over(id: u32, drained: Result<(), Failure>) -> Result<End, Failure> {
    supervisor::say_no_more();
    upgrade::done(id);
    drained.map(|()| End::Over)
}

fn checked(ended: io::Result<Ended>) -> Result<(), Failure> {
    match ended.map_err(|error| Failure::of_system("cannot serve", &error))? {
        Ended { cut: 0 } => Ok(()),
        Ended { cut } => Err(Failure::failed(format!("connections that had to be cut: {cut}"))),
    }
}
