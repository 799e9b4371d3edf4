//! Truth of a server's gaps: whether each hole in a connection's sequence numbers matches the gaps that were told at
//! that place of the stream.
//!
//! Kept only for connections that were told of a gap. Used by the ledger.

/// The account of one connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Account {
    /// Told with a count, and no hole has come for it yet.
    owed: u64,
    /// The part of it that was told after the last event.
    owed_new: u64,
    /// A bit for each publisher whose next hole, of any size, was told without a count.
    open: u64,
    /// Events that were missing and had been told.
    pub(crate) told: u64,
    /// Events that had been told and were not missing.
    pub(crate) overtold: u64,
}

impl Account {
    /// Notes a gap. `None`: it has no count.
    pub(crate) fn tell(&mut self, missed: Option<u64>) {
        match missed {
            None => self.open = u64::MAX,
            Some(missed) => {
                self.owed = self.owed.saturating_add(missed);
                self.owed_new = self.owed_new.saturating_add(missed);
            }
        }
    }

    /// The connection comes back from its last event on. Gaps that were told after that event will be told again.
    pub(crate) fn come_back(&mut self) {
        self.owed -= std::mem::take(&mut self.owed_new);
    }

    /// The next event of a publisher has come, or the end of all, and so many are missing before it. Returns how many of
    /// them had been told.
    pub(crate) fn meet(&mut self, hole: u64, publisher: u32, publishers: u32) -> u64 {
        let counted = hole.min(self.owed);
        self.owed -= counted;
        self.owed_new = 0;
        let bit = 1 << publisher;
        let told = if self.open & bit == 0 { counted } else { hole };
        self.open &= !bit;
        self.told += told;
        // With several publishers, another one's next event may show what is left.
        if publishers == 1 {
            self.settle();
        }
        told
    }

    /// Closes the account: nothing can come any more for the rest that is owed.
    pub(crate) fn settle(&mut self) {
        self.overtold += std::mem::take(&mut self.owed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(tell: &[Option<u64>], holes: &[u64]) -> (u64, u64) {
        let mut account = Account::default();
        tell.iter().for_each(|missed| account.tell(*missed));
        for hole in holes {
            account.meet(*hole, 0, 1);
        }
        (account.told, account.overtold)
    }

    #[test]
    fn a_count_covers_the_hole_at_its_place_and_no_other() {
        assert_eq!(account(&[Some(3)], &[3, 3]), (3, 0));
        assert_eq!(account(&[Some(2), Some(1)], &[3]), (3, 0));
        assert_eq!(account(&[Some(2)], &[3]), (2, 0), "one is lost");
        assert_eq!(account(&[Some(4)], &[3, 1]), (3, 1), "the later hole was not told");
        assert_eq!(account(&[Some(4)], &[0, 4]), (0, 4));
    }

    #[test]
    fn without_a_count_the_next_hole_is_covered_whatever_its_size() {
        assert_eq!(account(&[None], &[900, 1]), (900, 0));
        assert_eq!(account(&[None], &[0, 1]), (0, 0), "it is the next event that shows the hole");
        assert_eq!(account(&[None, Some(2)], &[3]), (3, 0));
    }

    #[test]
    fn among_publishers_a_count_is_shared() {
        let mut account = Account::default();
        account.tell(Some(5));
        assert_eq!([account.meet(2, 0, 2), account.meet(3, 1, 2), account.meet(1, 0, 2)], [2, 3, 0]);
        account.tell(Some(1));
        account.settle();
        assert_eq!((account.told, account.overtold), (5, 1));
        account.tell(None);
        assert_eq!([account.meet(2, 0, 2), account.meet(2, 0, 2), account.meet(2, 1, 2)], [2, 0, 2]);
    }

    #[test]
    fn what_is_told_again_after_a_reconnect_counts_once() {
        let mut account = Account::default();
        account.tell(Some(5));
        account.come_back();
        account.tell(Some(5));
        assert_eq!((account.meet(5, 0, 1), account.overtold), (5, 0));
    }
}
