//! [`Segments`]: the current segments, shared by the log, which adds to them, and by the thread that reclaims their
//! space.

use std::sync::atomic::{AtomicU64, Ordering};

use fanfare_core::EventId;
use parking_lot::Mutex;

/// One segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) through: u64,
    pub(crate) base: EventId,
    pub(crate) bytes: u64,
    /// Whether the header is valid. The next start then knows the base of this segment, whatever has become of those
    /// before.
    pub(crate) has_header: bool,
}

/// A segment that is not written to any more. The segment behind it tells where ids were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SealedSegment {
    /// Number of the first segment that this one stands for.
    pub(crate) number: u64,
    /// Number of the last segment that this one stands for.
    pub(crate) through: u64,
    /// The ids of the segment are above this one.
    pub(crate) base: EventId,
    /// The ids of the segment are at or below this one.
    pub(crate) upto: EventId,
    /// Length of the part of the file that counts.
    pub(crate) bytes: u64,
}

/// All segments, oldest first. The newest one is the log's if it has begun one; the others are sealed.
#[derive(Debug)]
pub(crate) struct Segments {
    list: Mutex<Vec<Segment>>,
    /// Length at which the newest segment is followed by another, whatever the configuration of the log allows.
    full_bytes: AtomicU64,
}

impl Segments {
    pub(crate) fn new(segments: Vec<Segment>) -> Self {
        Self { list: Mutex::new(segments), full_bytes: AtomicU64::new(u64::MAX) }
    }

    /// Bytes of all segments.
    pub(crate) fn bytes(&self) -> u64 {
        self.list.lock().iter().map(|segment| segment.bytes).sum()
    }

    /// Length at which a segment is followed by another.
    pub(crate) fn full_bytes(&self) -> u64 {
        // Relaxed: the value stands for itself, and one segment more or less of the old length does no harm.
        self.full_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn set_full_bytes(&self, bytes: u64) {
        self.full_bytes.store(bytes, Ordering::Relaxed);
    }

    /// The number of each segment.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.list.lock().iter().map(|segment| segment.number).collect()
    }

    /// All segments except the newest.
    pub(crate) fn sealed(&self) -> Vec<SealedSegment> {
        let segments = self.list.lock();
        let newest = newest(&segments).unwrap_or_default();
        let pairs = segments.iter().zip(segments.iter().skip(1));
        pairs
            .take(newest)
            .map(|(segment, next)| {
                let Segment { number, through, base, bytes, .. } = *segment;
                SealedSegment { number, through, base, upto: next.base, bytes }
            })
            .collect()
    }

    /// The number of the newest segment, which tells where ids were.
    pub(crate) fn newest(&self) -> Option<u64> {
        let segments = self.list.lock();
        newest(&segments).and_then(|index| segments.get(index)).map(|segment| segment.number)
    }

    pub(crate) fn push(&self, segment: Segment) {
        self.list.lock().push(segment);
    }

    /// Sets the length of the newest segment.
    pub(crate) fn grow(&self, bytes: u64) {
        if let Some(newest) = self.list.lock().last_mut() {
            newest.bytes = bytes;
        }
    }

    /// Replaces the segments with the numbers that `segment` stands for.
    pub(crate) fn replace(&self, segment: Segment) {
        let mut segments = self.list.lock();
        segments
            .retain(|old| old.number == segment.number || !(segment.number..=segment.through).contains(&old.number));
        if let Some(old) = segments.iter_mut().find(|old| old.number == segment.number) {
            *old = segment;
        }
    }

    pub(crate) fn remove(&self, number: u64) {
        self.list.lock().retain(|segment| segment.number != number);
    }
}

fn newest(segments: &[Segment]) -> Option<usize> {
    segments.iter().rposition(|segment| segment.has_header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(number: u64) -> Segment {
        Segment { number, through: number, base: EventId::new(number, 0), bytes: 10, has_header: true }
    }

    fn numbers(segments: &Segments) -> Vec<(u64, u64, u64)> {
        segments.sealed().iter().map(|sealed| (sealed.number, sealed.through, sealed.upto.ms())).collect()
    }

    #[test]
    fn the_newest_is_never_sealed_and_the_others_end_where_the_next_begins() {
        let segments = Segments::new((1..=4).map(segment).collect());
        segments.grow(100);
        assert_eq!(segments.bytes(), 130);
        assert_eq!(numbers(&segments), [(1, 1, 2), (2, 2, 3), (3, 3, 4)]);
        segments.replace(Segment { through: 3, bytes: 1, ..segment(2) });
        assert_eq!((numbers(&segments), segments.bytes()), (vec![(1, 1, 2), (2, 3, 4)], 111));
        segments.remove(1);
        assert_eq!(numbers(&segments), [(2, 3, 4)]);
    }

    #[test]
    fn a_segment_with_a_damaged_header_seals_nothing() {
        let segments = Segments::new(vec![segment(1), Segment { has_header: false, ..segment(2) }]);
        assert_eq!(segments.sealed(), []);
        segments.push(segment(3));
        assert_eq!(segments.sealed().len(), 2);
    }
}
