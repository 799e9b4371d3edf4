//! [`Memory`]: the memory that a server may use for events, from `--memory` or from the system. [`Share`]: the part of
//! it that a limit gets if it is not set. The shares inside the process add up to the whole.

use super::{
    machine::Room,
    units::{GIB, KIB, MIB},
    value::size_text,
};

/// Lowest value of `--memory`, and lowest default.
pub(super) const LEAST: usize = 16 * MIB;
/// Highest default.
const MOST: usize = 8 * GIB;
/// The default is this part of the memory found: a quarter.
const PART: u64 = 4;
/// Default where the system does not tell its memory.
const UNKNOWN: usize = GIB;

/// The memory for events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    pub(super) bytes: usize,
    source: Source,
}

#[derive(Clone, Copy, Debug)]
enum Source {
    Given,
    Found(Room),
    Unknown,
}

/// One part in `part` of the memory, within bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    part: usize,
    /// Lower bound.
    pub(super) least: usize,
    /// Upper bound.
    pub(super) most: usize,
}

pub(super) const HISTORY: Share = Share { part: 2, least: 8 * MIB, most: usize::MAX };
pub(super) const RINGS: Share = Share { part: 4, least: 4 * MIB, most: usize::MAX };
/// For all threads together. A larger inbox would only let publishers run further ahead of its thread.
pub(super) const INBOXES: Share = Share { part: 8, least: 256 * KIB, most: 32 * MIB };
/// For bodies. Pages of history have the same amount again.
pub(super) const BODIES: Share = Share { part: 16, least: 4 * MIB, most: GIB };
/// In the kernel, outside the memory of the process.
pub(super) const SEND_BUFFERS: Share = Share { part: 2, least: 16 * MIB, most: usize::MAX };

impl Memory {
    /// The memory that was `given`, or a quarter of the `room`.
    pub(super) fn new(given: Option<usize>, room: impl FnOnce() -> Option<Room>) -> Self {
        if let Some(bytes) = given {
            return Self { bytes, source: Source::Given };
        }
        let Some(room) = room() else { return Self { bytes: UNKNOWN, source: Source::Unknown } };
        let (Room::Machine(all) | Room::Cgroup(all)) = room;
        let bytes = bytes_of(all / PART).clamp(LEAST, MOST);
        Self { bytes: whole(bytes), source: Source::Found(room) }
    }

    /// The memory for events on a machine with `all` bytes, for the reference and for tests.
    #[cfg(test)]
    pub(super) fn of_machine(all: usize) -> Self {
        Self::new(None, || Some(Room::Machine(all as u64)))
    }

    /// The source of the memory's size, for users who have not set it.
    pub(super) fn reason(self) -> String {
        let (all, whose) = match self.source {
            Source::Given => return "as set".to_owned(),
            Source::Unknown => return "the system does not tell how much there is".to_owned(),
            Source::Found(Room::Machine(all)) => (all, "this machine has"),
            Source::Found(Room::Cgroup(all)) => (all, "the cgroup allows"),
        };
        let all = size_text(whole(bytes_of(all)));
        match self.bytes {
            LEAST => format!("the least that works; {whose} {all}"),
            MOST => format!("the most unless it is set; {whose} {all}"),
            _ => format!("a quarter of the {all} that {whose}"),
        }
    }
}

fn bytes_of(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

impl Share {
    /// The part of `memory`.
    pub(super) fn of(self, memory: Memory) -> usize {
        self.of_each(memory, 1)
    }

    /// The part that each of `count` gets. The bounds are for each.
    pub(super) fn of_each(self, memory: Memory, count: usize) -> usize {
        whole(memory.bytes / self.part / count.max(1)).clamp(self.least, self.most)
    }

    /// The share as a word, for the reference.
    #[cfg(test)]
    pub(super) fn told(self) -> &'static str {
        match self.part {
            2 => "a half",
            4 => "a quarter",
            8 => "an eighth",
            16 => "a sixteenth",
            _ => unreachable!("the shares above are these"),
        }
    }
}

/// Rounds `bytes` down to whole units of those that are shown.
fn whole(bytes: usize) -> usize {
    let unit = if bytes >= MIB { MIB } else { KIB };
    bytes - bytes % unit
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shares of history, rings, bodies, the inbox of one of two threads, and send buffers, in MiB.
    fn shares(memory: Memory) -> [usize; 5] {
        let bytes = [
            HISTORY.of(memory),
            RINGS.of(memory),
            BODIES.of(memory),
            INBOXES.of_each(memory, 2),
            SEND_BUFFERS.of(memory),
        ];
        bytes.map(|bytes| bytes / MIB)
    }

    #[test]
    fn without_a_setting_it_is_a_quarter_within_bounds() {
        for (all, memory) in [
            (32 << 20, 16 * MIB),
            (64 << 20, 16 * MIB),
            (256 << 20, 64 * MIB),
            (8 << 30, 2 * GIB),
            (32 << 30, 8 * GIB),
            (1 << 40, 8 * GIB),
            // A machine never has exactly the memory it is sold with.
            (24_684_084 << 10, 6_026 * MIB),
        ] {
            assert_eq!(Memory::of_machine(all).bytes, memory, "{all}");
        }
        assert_eq!(Memory::new(None, || None).bytes, GIB);
        assert_eq!(Memory::new(Some(5), || panic!("nobody asks")).bytes, 5);
    }

    #[test]
    fn each_share_grows_with_the_machine_and_has_bounds() {
        for (all, expected) in [
            (32 << 20, [8, 4, 4, 1, 16]),
            (256 << 20, [32, 16, 4, 4, 32]),
            (1 << 30, [128, 64, 16, 16, 128]),
            (2 << 30, [256, 128, 32, 32, 256]),
            (8 << 30, [1_024, 512, 128, 32, 1_024]),
            (1 << 40, [4_096, 2_048, 512, 32, 4_096]),
        ] {
            assert_eq!(shares(Memory::of_machine(all)), expected, "{all}");
        }
        // More memory gives larger shares.
        let given = Memory::new(Some(64 * GIB), || None);
        assert_eq!(shares(given), [32_768, 16_384, 1_024, 32, 32_768]);
        assert_eq!(INBOXES.of_each(Memory::of_machine(256 << 20), 64), 256 * KIB);
        assert_eq!(INBOXES.of_each(Memory::of_machine(256 << 20), 0), 8 * MIB);
    }

    #[test]
    fn the_shares_of_the_process_are_all_of_its_memory() {
        let memory = Memory::of_machine(1 << 30);
        let bodies_and_pages = 2 * BODIES.of(memory);
        let inboxes = 8 * INBOXES.of_each(memory, 8);
        assert_eq!(HISTORY.of(memory) + RINGS.of(memory) + bodies_and_pages + inboxes, memory.bytes);
    }

    #[test]
    fn the_reason_says_of_what_it_is_a_quarter() {
        assert_eq!(Memory::of_machine(8 << 30).reason(), "a quarter of the 8GiB that this machine has");
        assert_eq!(Memory::of_machine(32 << 20).reason(), "the least that works; this machine has 32MiB");
        assert_eq!(Memory::of_machine(1 << 40).reason(), "the most unless it is set; this machine has 1024GiB");
        let cgroup = Memory::new(None, || Some(Room::Cgroup(256 << 20)));
        assert_eq!(cgroup.reason(), "a quarter of the 256MiB that the cgroup allows");
        assert_eq!(Memory::new(Some(1), || None).reason(), "as set");
        assert!(Memory::new(None, || None).reason().contains("does not tell"));
    }
}
