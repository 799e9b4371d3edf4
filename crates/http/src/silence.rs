//! [`Silence`]: how long a connection has had nothing to do, and may: a head that has begun, and the first one, has its
//! timeout; one that waits for its next request has another, because who keeps connections open does so for a minute and more.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hyper::header::HeaderValue;
use tokio::time::{Instant, Sleep, sleep};

use crate::{app::App, handoff::Handoff, idle::IdlePlace};

/// A client that goes by what it was told never asks in the moment when the connection is closed: it is told less, by so much
/// at most, and by a tenth of a short time.
const TOLD_LESS_MAX: Duration = Duration::from_secs(5);

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    /// Answering.
    Work,
    /// It has sent no request yet, or some of the head of this one.
    Head(usize),
    /// It has been answered as often, and has sent nothing since.
    Nothing(usize),
}

/// The clock of one connection.
pub(crate) struct Silence {
    app: Arc<App>,
    handoff: Arc<Handoff>,
    doing: Doing,
    over: Pin<Box<Sleep>>,
    place: Option<IdlePlace>,
}

impl Silence {
    /// Of a connection that has sent no request yet.
    pub(crate) fn new(app: &Arc<App>, handoff: &Arc<Handoff>, place: IdlePlace) -> Self {
        let over = Box::pin(sleep(app.config.head_timeout));
        let (app, handoff) = (Arc::clone(app), Arc::clone(handoff));
        Self { app, handoff, doing: Doing::Head(0), over, place: Some(place) }
    }

    /// Ready when the connection has been silent for too long. To be polled after it, and after its handoff.
    pub(crate) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let doing = self.doing();
        if doing != self.doing {
            self.begin(doing);
        }
        let is_unwanted = self.place.is_some() && self.handoff.is_unwanted();
        match doing {
            Doing::Work => Poll::Pending,
            _ if is_unwanted => Poll::Ready(()),
            _ => self.over.as_mut().poll(cx),
        }
    }

    fn doing(&self) -> Doing {
        let requests = self.handoff.requests();
        match () {
            () if !self.handoff.is_idle() => Doing::Work,
            () if requests == 0 || self.handoff.has_begun_head() => Doing::Head(requests),
            () => Doing::Nothing(requests),
        }
    }

    fn begin(&mut self, doing: Doing) {
        self.doing = doing;
        let time = match doing {
            Doing::Work => {
                self.place = None;
                return;
            }
            Doing::Head(_) => {
                match &self.place {
                    Some(place) => place.begin_head(),
                    None => self.place = Some(self.app.idle.begin(&self.handoff)),
                }
                self.app.config.head_timeout
            }
            Doing::Nothing(_) => {
                // Given back first, or it would count twice.
                self.place = None;
                self.place = Some(self.app.idle.wait(&self.handoff));
                self.app.config.keep_alive_timeout
            }
        };
        let now = Instant::now();
        // One that no clock can tell is never over; a year is as good.
        let over = now.checked_add(time).unwrap_or(now + Duration::from_secs(365 * 24 * 60 * 60));
        self.over.as_mut().reset(over);
    }
}

/// What HTTP/1.1 clients are told of the time: `Keep-Alive: timeout=`, in seconds (RFC 2068 19.7.1.1). Nothing if it is too
/// short to be told.
pub(crate) fn announced(timeout: Duration) -> Option<HeaderValue> {
    let seconds = (timeout - TOLD_LESS_MAX.min(timeout / 10)).as_secs();
    (seconds > 0).then(|| HeaderValue::try_from(format!("timeout={seconds}")).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_a_little_less_than_the_time() {
        let told = |ms| announced(Duration::from_millis(ms)).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(told(90_000).as_deref(), Some("timeout=85"));
        assert_eq!(told(10_000).as_deref(), Some("timeout=9"));
        assert_eq!(told(1_200).as_deref(), Some("timeout=1"));
        assert_eq!(told(1_000), None, "a whole second would be all of it");
        assert_eq!(told(0), None);
    }
}
