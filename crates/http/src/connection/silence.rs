//! [`Silence`]: the time for which a connection may have nothing to do. A head that has begun, and the first head, has a short
//! timeout. A connection that waits for its next request has a longer one, because clients keep connections for a minute and more.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::{
    app::App,
    limits::idle::IdleSeat,
    link::{Link, activity::Doing},
};

/// The clock of one connection.
pub(crate) struct Silence {
    doing: Doing,
    /// None while there is work: a connection with nothing but streams needs no clock.
    over: Option<Pin<Box<Sleep>>>,
    seat: Option<IdleSeat>,
}

impl Silence {
    /// The clock of a connection that has sent no request yet.
    pub(crate) fn new(app: &App, seat: IdleSeat) -> Self {
        let over = Some(Box::pin(sleep(app.config().head_timeout)));
        Self { doing: Doing::Head(0), over, seat: Some(seat) }
    }

    /// Ready when the connection has been silent for too long. To be polled after the connection, and after its task is registered.
    pub(crate) fn poll_over(&mut self, app: &App, link: &Link, cx: &mut Context<'_>) -> Poll<()> {
        let doing = link.activity.doing();
        if doing != self.doing {
            self.begin(doing, app, link);
        }
        let is_unwanted = self.is_unwanted(link);
        match doing {
            Doing::Work => Poll::Pending,
            _ if is_unwanted => Poll::Ready(()),
            _ => self.over.as_mut().map_or(Poll::Pending, |over| over.as_mut().poll(cx)),
        }
    }

    /// Ready when the connection has to make room for others, which it has not since something was under way.
    pub(crate) fn poll_unwanted(&self, link: &Link, cx: &Context<'_>) -> Poll<()> {
        link.idler.register(cx);
        if self.is_unwanted(link) { Poll::Ready(()) } else { Poll::Pending }
    }

    fn is_unwanted(&self, link: &Link) -> bool {
        self.seat.is_some() && link.idler.is_unwanted()
    }

    fn begin(&mut self, doing: Doing, app: &App, link: &Link) {
        self.doing = doing;
        let time = match doing {
            Doing::Work => {
                (self.seat, self.over) = (None, None);
                return;
            }
            Doing::Head(_) => {
                match &self.seat {
                    Some(seat) => seat.begin_head(),
                    None => self.seat = Some(app.idle.begin(&link.idler)),
                }
                app.config().head_timeout
            }
            Doing::Nothing(_) => {
                // Given back first, or it would count twice.
                self.seat = None;
                self.seat = Some(app.idle.wait(&link.idler));
                app.config().keep_alive_timeout
            }
        };
        let now = Instant::now();
        // A time that no clock can tell is never over, and a year is as good.
        let over = now.checked_add(time).unwrap_or(now + Duration::from_secs(365 * 24 * 60 * 60));
        self.over = Some(Box::pin(sleep_until(over)));
    }
}
