//! Windows of flow control (RFC 9113 sections 5.2 and 6.9): what may be sent, and what the peer may send.

/// The window of a new connection both ways, and of a new stream unless settings say something else.
pub(crate) const DEFAULT: i32 = 65_535;

/// What the peer takes at the moment. Settings can make that of a stream negative.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SendWindow(i32);

impl SendWindow {
    pub(crate) const fn new(bytes: i32) -> Self {
        Self(bytes)
    }

    pub(crate) const fn bytes(self) -> i32 {
        self.0
    }

    /// The bytes are sent. There are no more than the window has.
    pub(crate) fn spend(&mut self, bytes: i32) {
        self.0 -= bytes;
    }

    /// Moves the window. `None` if it would leave the range of 31 bits.
    #[must_use]
    pub(crate) fn widen(&mut self, bytes: i32) -> Option<()> {
        self.0 = self.0.checked_add(bytes)?;
        Some(())
    }
}

/// What the peer may send, and what of it is to be given back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceiveWindow {
    left: i32,
    /// Bytes that are used, and not yet given back.
    owed: u32,
}

impl ReceiveWindow {
    pub(crate) const fn new(bytes: i32) -> Self {
        Self { left: bytes, owed: 0 }
    }

    /// Bytes have come. `None` if there are more than allowed.
    #[must_use]
    pub(crate) fn receive(&mut self, bytes: u32) -> Option<()> {
        if i64::from(bytes) > i64::from(self.left) {
            return None;
        }
        self.left -= bytes as i32;
        Some(())
    }

    /// Moves the window, because settings are in force now.
    pub(crate) fn move_by(&mut self, bytes: i32) {
        self.left = self.left.saturating_add(bytes);
    }

    /// Bytes are used. If so many are owed that half of `whole` is, returns the increment of a WINDOW_UPDATE.
    #[must_use]
    pub(crate) fn give_back(&mut self, bytes: u32, whole: u32) -> Option<u32> {
        self.owed = self.owed.saturating_add(bytes);
        if self.owed == 0 || self.owed < whole / 2 {
            return None;
        }
        let increment = std::mem::take(&mut self.owed);
        self.left = self.left.saturating_add_unsigned(increment);
        Some(increment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_may_reach_31_bits_and_no_more() {
        let mut window = SendWindow::new(DEFAULT);
        assert!(window.widen(i32::MAX - DEFAULT).is_some());
        assert!(window.widen(1).is_none());
    }

    #[test]
    fn a_peer_may_fill_the_window_and_no_more() {
        let mut window = ReceiveWindow::new(10);
        assert!(window.receive(10).is_some());
        assert!(window.receive(1).is_none());
    }

    #[test]
    fn half_a_window_is_given_back_at_once() {
        let mut window = ReceiveWindow::new(10);
        assert!(window.receive(10).is_some());
        assert_eq!(window.give_back(4, 10), None);
        assert_eq!(window.give_back(1, 10), Some(5));
        assert!(window.receive(6).is_none());
        assert!(window.receive(5).is_some());
    }
}
