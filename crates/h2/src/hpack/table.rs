//! The dynamic table of HPACK (RFC 7541 sections 2.3.2 and 4).

use std::collections::VecDeque;

/// The size that every peer may use until it knows our settings, and so the most that there is (RFC 9113 section 6.5.2).
pub(super) const BYTES_MAX: usize = 4_096;

/// What an entry counts besides its bytes (RFC 7541 section 4.1).
const ENTRY_EXTRA: usize = 32;

/// Fields that the peer has sent, the newest first.
#[derive(Debug)]
pub(super) struct Table {
    entries: VecDeque<Entry>,
    bytes: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Entry {
    name_bytes: usize,
    /// Name and value.
    text: Box<[u8]>,
}

impl Entry {
    fn size(&self) -> usize {
        self.text.len() + ENTRY_EXTRA
    }
}

impl Table {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, bytes_max }
    }

    /// The size of all entries.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Name and value of the entry at `place`, counted from 0.
    pub(super) fn get(&self, place: usize) -> Option<(&[u8], &[u8])> {
        let entry = self.entries.get(place)?;
        entry.text.split_at_checked(entry.name_bytes)
    }

    /// Adds a field. The oldest ones go. A field larger than the table empties it (RFC 7541 section 4.4).
    pub(super) fn add(&mut self, name: &[u8], value: &[u8]) {
        let size = name.len() + value.len() + ENTRY_EXTRA;
        self.shrink_to(self.bytes_max.saturating_sub(size));
        if size <= self.bytes_max {
            let text = [name, value].concat().into_boxed_slice();
            self.entries.push_front(Entry { name_bytes: name.len(), text });
            self.bytes += size;
        }
    }

    /// Sets the size that the peer wants. The caller has seen to it that it is allowed.
    pub(super) fn resize(&mut self, bytes_max: usize) {
        self.bytes_max = bytes_max;
        self.shrink_to(bytes_max);
    }

    fn shrink_to(&mut self, bytes_max: usize) {
        while self.bytes > bytes_max {
            let Some(oldest) = self.entries.pop_back() else { break };
            self.bytes -= oldest.size();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_exactly_the_size_fits_and_one_byte_more_empties_the_table() {
        let mut table = Table::new(BYTES_MAX);
        table.add(b"a", b"b");
        table.add(b"name", &[b'x'; BYTES_MAX - ENTRY_EXTRA - 4]);
        assert_eq!(table.get(0).map(|(name, _)| name), Some(&b"name"[..]));
        assert!(table.get(1).is_none());
        table.add(b"name", &[b'x'; BYTES_MAX - ENTRY_EXTRA - 3]);
        assert!(table.get(0).is_none());
        assert_eq!(table.bytes, 0);
    }

    #[test]
    fn the_oldest_go_first() {
        let mut table = Table::new(BYTES_MAX);
        table.add(b"a", b"1");
        table.add(b"b", b"2");
        table.resize(34);
        assert_eq!(table.get(0), Some((&b"b"[..], &b"2"[..])));
        assert!(table.get(1).is_none());
    }
}
