//! [`State`]: the journal's knowledge of events that it no longer has. One small file, replaced as a whole.
//!
//! [`Marks`] name the newest event that was given up, target by target. A mark that is too new only costs a gap too
//! many. So the file may be ahead of the segments, and is never behind.

use std::{collections::HashMap, io};

use fanfare_core::{EventId, Target};

use crate::{
    codec::{Reader, put_count, put_id, put_target, put_u64},
    files::{Files, write_all},
    header::{seal, unseal},
    names::{STATE, tmp_name},
};

const MAGIC: [u8; 8] = *b"FANSTATE";
/// The newest format that this program knows. Its fields are those of format 1. Format 2 says that there is a file
/// `newest`: a program that does not know that file must not write to the journal.
const FORMAT: u16 = 2;
const FORMAT_WITHOUT_NEWEST: u16 = 1;

/// The newest event that was given up, for each target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// Marks of single targets.
    pub(crate) targets: HashMap<Target, EventId>,
    /// Mark of every target that has none of its own.
    pub(crate) forgotten: EventId,
}

impl Marks {
    /// Notes that an event with this id, for this target, is given up.
    pub(crate) fn add(&mut self, target: &Target, id: EventId) {
        match self.targets.get_mut(target) {
            Some(mark) => *mark = id.max(*mark),
            None => {
                self.targets.insert(target.clone(), id);
            }
        }
    }

    /// Moves the oldest marks into `forgotten` until `marks_max` are left.
    pub(crate) fn fold(&mut self, marks_max: usize) {
        let excess = self.targets.len().saturating_sub(marks_max);
        if excess > 0 {
            let mut ids: Vec<EventId> = self.targets.values().copied().collect();
            let (_, newest_folded, _) = ids.select_nth_unstable(excess - 1);
            self.add_for_all(*newest_folded);
        }
        self.targets.retain(|_, mark| *mark > self.forgotten);
    }

    /// Notes that events up to this id are given up, for every target.
    pub(crate) fn add_for_all(&mut self, id: EventId) {
        self.forgotten = self.forgotten.max(id);
    }

    /// The newest id of all marks.
    pub(crate) fn newest(&self) -> EventId {
        self.targets.values().copied().max().unwrap_or_default().max(self.forgotten)
    }
}

/// The contents of the state file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// No event of the journal has an id at or below this one.
    pub(crate) born: EventId,
    /// Segments up to this number were removed, and their events are in the marks.
    pub(crate) removed_upto: u64,
    /// The newest id up to which events may be lost.
    pub(crate) lost: EventId,
    pub(crate) marks: Marks,
    /// Whether there is a file `newest`, which was written before this one.
    pub(crate) has_newest: bool,
}

/// The reason for which the file gives no state.
#[derive(Debug)]
pub(crate) enum StateError {
    /// The file is missing or damaged.
    None,
    /// The format is one that this program does not know.
    Newer { format: u16 },
    /// The file cannot be read.
    Io(io::Error),
}

impl State {
    pub(crate) fn new(born: EventId) -> Self {
        Self { born, removed_upto: 0, lost: EventId::ZERO, marks: Marks::default(), has_newest: false }
    }

    /// Notes that events up to this id may be lost.
    pub(crate) fn lose(&mut self, upto: EventId) {
        self.lost = self.lost.max(upto);
    }

    /// Notes that segments up to this number were removed.
    pub(crate) fn remove(&mut self, upto: u64) {
        self.removed_upto = self.removed_upto.max(upto);
    }

    pub(crate) fn read(files: &dyn Files) -> Result<Self, StateError> {
        match files.read(STATE, u64::MAX) {
            Ok(bytes) => Self::decode(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StateError::None),
            Err(error) => Err(StateError::Io(error)),
        }
    }

    /// Replaces the file. After an error the file is as before, or already new.
    pub(crate) fn write(&self, files: &dyn Files) -> io::Result<()> {
        let tmp = tmp_name(STATE);
        let file = files.create(&tmp)?;
        write_all(&*file, &self.encode())?;
        file.sync_data()?;
        files.rename(&tmp, STATE)?;
        files.sync_names()
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let format = if self.has_newest { FORMAT } else { FORMAT_WITHOUT_NEWEST };
        bytes.extend_from_slice(&format.to_le_bytes());
        put_id(&mut bytes, self.born);
        put_u64(&mut bytes, self.removed_upto);
        put_id(&mut bytes, self.lost);
        put_id(&mut bytes, self.marks.forgotten);
        put_count(&mut bytes, self.marks.targets.len());
        for (target, mark) in &self.marks.targets {
            put_target(&mut bytes, target);
            put_id(&mut bytes, *mark);
        }
        seal(&mut bytes);
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = Reader::new(unseal(bytes).ok_or(StateError::None)?);
        if reader.array() != Some(MAGIC) {
            return Err(StateError::None);
        }
        match reader.u16() {
            Some(format @ (FORMAT | FORMAT_WITHOUT_NEWEST)) => {
                Self::decode_fields(reader, format == FORMAT).ok_or(StateError::None)
            }
            Some(format) => Err(StateError::Newer { format }),
            None => Err(StateError::None),
        }
    }

    fn decode_fields(mut reader: Reader<'_>, has_newest: bool) -> Option<Self> {
        let (born, removed_upto, lost, forgotten) = (reader.id()?, reader.u64()?, reader.id()?, reader.id()?);
        let marks = (0..reader.u32()?).map(|_| Some((reader.target()?, reader.id()?))).collect::<Option<_>>()?;
        let state = Self { born, removed_upto, lost, marks: Marks { targets: marks, forgotten }, has_newest };
        reader.is_empty().then_some(state)
    }
}

#[cfg(test)]
mod tests {
    use fanfare_core::Channel;

    use super::*;

    fn channel(name: &str) -> Target {
        Target::Channel(Channel::new(name).unwrap())
    }

    fn id(n: u64) -> EventId {
        EventId::new(1, n)
    }

    #[test]
    fn a_state_comes_back_and_any_damage_is_none() {
        let mut state = State { removed_upto: 3, lost: id(5), has_newest: true, ..State::new(id(1)) };
        state.marks = Marks { targets: [(channel("a"), id(7)), (Target::All, id(8))].into(), forgotten: id(2) };
        let bytes = state.encode();
        assert_eq!(State::decode(&bytes).unwrap(), state);
        let older = State { has_newest: false, ..state };
        assert_eq!(State::decode(&older.encode()).unwrap(), older);
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert!(matches!(State::decode(&flipped), Err(StateError::None)), "{at}");
            assert!(matches!(State::decode(&bytes[..at]), Err(StateError::None)), "{at}");
        }
    }

    #[test]
    fn above_the_limit_the_oldest_marks_become_everybodys() {
        let mut marks = Marks::default();
        for (n, name) in [(3, "c"), (1, "a"), (2, "b"), (1, "c")] {
            marks.add(&channel(name), id(n));
        }
        marks.fold(3);
        assert_eq!((marks.targets.len(), marks.forgotten), (3, EventId::ZERO));
        marks.fold(2);
        assert_eq!((marks.targets.len(), marks.forgotten), (2, id(1)));
        assert_eq!(marks.targets.get(&channel("c")), Some(&id(3)));
        marks.fold(0);
        assert_eq!((marks.targets.len(), marks.forgotten, marks.newest()), (0, id(3), id(3)));
    }
}
