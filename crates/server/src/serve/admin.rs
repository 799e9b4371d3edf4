//! [`AdminSocket`]: the listener for operators, and what it does to this process.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

use fanfare_admin::{Admin, Control, ReloadError, Reloaded, Serving};
use fanfare_http::Handle;
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::{failure::Failure, reload::Reloader, settings::AdminPlan, sockets};

/// The socket for operators, and its settings.
pub(super) struct AdminSocket {
    pub(super) listener: TcpListener,
    address: SocketAddr,
    admin: Admin,
    orders: Orders,
}

/// What operators have this process do.
#[derive(Clone)]
struct Orders {
    reloader: Reloader,
    drain: Arc<Notify>,
}

impl AdminSocket {
    /// Binds the socket, or takes the given one. None if it is off, or if nobody has set its address and that is taken. `drain` is told
    /// when an operator orders a drain.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub(super) fn bind(
        plan: AdminPlan,
        given: Option<TcpListener>,
        reloader: Reloader,
        drain: Arc<Notify>,
    ) -> Result<Option<Self>, Failure> {
        let AdminPlan { listen: Some(listen), is_set, admin } = plan else { return Ok(None) };
        match sockets::bind(listen, given, "--admin") {
            Ok((listener, address)) => {
                let orders = Orders { reloader, drain };
                Ok(Some(Self { listener, address, admin, orders }))
            }
            Err(failure) if is_set => Err(failure),
            Err(failure) => {
                warn!("no admin listener: {}", failure.reason);
                Ok(None)
            }
        }
    }

    /// Serves operators of this engine until the result is dropped.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub(super) fn serve(&self, handle: Handle) -> io::Result<Serving> {
        let operator = handle.operator();
        let serving = fanfare_admin::serve(
            self.listener.try_clone()?,
            self.admin.clone(),
            handle,
            operator,
            self.orders.clone(),
        )?;
        info!("for operators: http://{}", self.address);
        Ok(serving)
    }
}

impl Control for Orders {
    fn drain(&self) {
        self.drain.notify_one();
    }

    async fn reload(&self) -> Result<Reloaded, ReloadError> {
        info!("an operator has ordered a reload");
        self.reloader.reload().await.for_operators()
    }
}
