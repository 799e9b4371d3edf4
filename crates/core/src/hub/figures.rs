//! The figures of a whole hub at one moment.

use crate::{hub::Hub, queue::figures::Figures};

impl<S> Hub<S> {
    /// The figures of the hub now.
    ///
    /// ```
    /// use fanfare_core::{Config, Event, Target, Wait, engine::Hub};
    ///
    /// # struct NoSocket;
    /// # impl fanfare_core::engine::Socket for NoSocket {
    /// #     fn poll_write(&mut self, _: &[std::io::IoSlice<'_>]) -> std::task::Poll<std::io::Result<usize>> { std::task::Poll::Pending }
    /// #     fn poll_discard(&mut self) -> std::task::Poll<std::io::Result<usize>> { std::task::Poll::Pending }
    /// #     fn shut_write(&mut self) {}
    /// # }
    /// let (hub, _shards) = Hub::<NoSocket>::new(Config::default(), Box::new(|| 1_000));
    /// # let mut publish = std::pin::pin!(hub.publish(Event::new(Target::All, "hello"), Wait::Journal));
    /// # assert!(publish.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready());
    /// // One event was published, and its shard has not taken it yet.
    /// let figures = hub.figures();
    /// assert_eq!((figures.events, figures.history_events, figures.inboxes[0].messages), (1, 1, 1));
    /// ```
    pub fn figures(&self) -> Figures {
        let mut figures = self.order.figures();
        for inbox in self.order.inboxes() {
            figures.totals.add(&inbox.figures().get());
            figures.inboxes.push(inbox.load());
        }
        (figures.channels, figures.clients) = self.registry.counts();
        Figures { connections: self.registry.connections(), ring_bytes: self.budget.held_bytes(), ..figures }
    }
}
