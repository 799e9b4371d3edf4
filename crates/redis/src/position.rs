//! [`Position`]: how far a node has come in the numbers of the Stream. With the id alone a node would not see that the
//! Stream skips trimmed entries, or goes back.

use fanfare_core::EventId;

use crate::entry::At;

/// The last entry of Fanfare that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) id: EventId,
    pub(crate) epoch: Box<str>,
    pub(crate) n: u64,
}

/// The relation of an entry to a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The entry is the next one.
    Next,
    /// So many entries are missing between them.
    Missed(u64),
    /// The entry cannot follow: the Stream was emptied, or has lost its end.
    Back,
}

impl Position {
    /// Goes on to the entry with this id.
    pub(crate) fn step(&mut self, id: EventId, at: &At) -> Step {
        let step = match at.n.checked_sub(self.n) {
            Some(1) if at.epoch == self.epoch => Step::Next,
            Some(further @ 2..) if at.epoch == self.epoch => Step::Missed(further - 1),
            _ => Step::Back,
        };
        *self = Self { id, epoch: at.epoch.clone(), n: at.n };
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from: u64, to: u64, epoch: &str) -> Step {
        let mut position = Position { id: EventId::new(1, 0), epoch: "a".into(), n: from };
        let at = At { epoch: epoch.into(), n: to, node: "".into(), number: 0 };
        let step = position.step(EventId::new(2, 0), &at);
        assert_eq!(position, Position { id: EventId::new(2, 0), epoch: epoch.into(), n: to });
        step
    }

    #[test]
    fn the_next_number_follows_a_later_one_has_missed_some_and_any_other_has_gone_back() {
        assert_eq!(step(5, 6, "a"), Step::Next);
        assert_eq!(step(5, 7, "a"), Step::Missed(1));
        assert_eq!(step(0, u64::MAX, "a"), Step::Missed(u64::MAX - 1));
        for n in [0, 4, 5] {
            assert_eq!(step(5, n, "a"), Step::Back, "{n}");
        }
        assert_eq!(step(5, 6, "b"), Step::Back);
    }
}
