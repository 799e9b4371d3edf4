//! [`Recovery`]: reads a journal once from its beginning to its end when a server starts. [`Recovered`] is the result:
//! where ids go on, which events are lost, and the parts that the log and the reclaiming of space go on from.

use std::{io, sync::Arc, vec};

use fanfare_core::EventId;

use crate::{
    boot::Boot,
    chain::Link,
    config::Fsync,
    contents::Contents,
    directory::Directory,
    files::Files,
    finding::Finding,
    header::{Header, Previous},
    newest::Newest,
    record::Stored,
    segments::{Segment, Segments},
    state::{Marks, State},
    walk::Walk,
};

/// The smallest distance between the last id found and the next one given, after a kill in the same run of the machine.
/// Nothing written is gone then; the distance makes sure of it.
pub(crate) const KILL_GAP_MS: u64 = 1_000;
/// The smallest distance after a stop of the machine, or with a damaged end: a kernel may have held back writes of half
/// a minute. It counts if the clock is behind; else now is later.
pub(crate) const CRASH_GAP_MS: u64 = 60_000;
/// The smallest distance if nothing tells how many segments are missing at the end. Ten runs after a crash, or six
/// hundred after a kill, may have begun so far above each other.
pub(crate) const UNKNOWN_GAP_MS: u64 = 10 * CRASH_GAP_MS;

/// The events and keys of a journal in the order of their ids, before [`Recovery::finish`]. A segment that cannot be
/// read gives an error each time: nothing leads past it.
#[derive(Debug)]
pub(crate) struct Recovery<'a> {
    directory: &'a Directory,
    walk: Walk<'a>,
    stored: vec::IntoIter<Stored>,
    segments: Vec<Segment>,
    previous: Option<Previous>,
    findings: Vec<Finding>,
    now_ms: u64,
}

/// A journal at the start of a run.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) files: Arc<dyn Files>,
    pub(crate) boot: Boot,
    pub(crate) ids_upto: EventId,
    pub(crate) state: State,
    pub(crate) findings: Vec<Finding>,
    pub(crate) segments: Arc<Segments>,
    pub(crate) next_number: u64,
    pub(crate) previous: Option<Previous>,
    /// The reason for which the journal keeps its older format until the next start.
    pub(crate) not_upgraded: Option<io::Error>,
}

impl Recovered {
    /// No given id is above this one. The next id is.
    pub(crate) fn ids_upto(&self) -> EventId {
        self.ids_upto
    }

    /// No event of the journal has an id at or below this one.
    pub(crate) fn born(&self) -> EventId {
        self.state.born
    }

    /// Events of any target may be lost up to this id; zero if none are.
    pub(crate) fn lost(&self) -> EventId {
        self.state.lost
    }

    /// The newest event that was given up, for each target.
    pub(crate) fn marks(&self) -> &Marks {
        &self.state.marks
    }

    /// Faults of the journal.
    pub(crate) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The segments, with those that the log adds.
    pub(crate) fn segments(&self) -> &Arc<Segments> {
        &self.segments
    }
}

impl Directory {
    /// Begins to read the journal, which has to be open for writing. `now_ms` is Unix time. `fsync` is the promise of
    /// the next run.
    ///
    /// # Errors
    /// The remains of an interrupted run cannot be removed or synced.
    pub(crate) fn recover(&self, now_ms: u64, fsync: Fsync) -> io::Result<Recovery<'_>> {
        for name in &self.chain.left_overs {
            self.files.remove(name)?;
        }
        self.sync(fsync)?;
        Ok(Recovery {
            directory: self,
            walk: Walk::new(&*self.files, &self.chain, self.boot),
            stored: Vec::new().into_iter(),
            segments: Vec::new(),
            previous: None,
            findings: Vec::new(),
            now_ms,
        })
    }

    /// Syncs the segments of killed runs. Those runs may have had no time for it, and a crash would take their events,
    /// those of a synced segment without a word.
    fn sync(&self, fsync: Fsync) -> io::Result<()> {
        let is_due = |header: &Header| {
            let is_promised = header.is_synced || fsync != Fsync::Never;
            is_promised && !header.is_rewritten() && header.boot.is_same(self.boot)
        };
        let due: Vec<_> =
            self.chain.links.iter().filter(|link| link.header.as_ref().is_some_and(is_due)).map(Link::name).collect();
        due.iter().try_for_each(|name| self.files.sync(name))?;
        if due.is_empty() { Ok(()) } else { self.files.sync_names() }
    }
}

impl Iterator for Recovery<'_> {
    type Item = io::Result<Stored>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(stored) = self.stored.next() {
                return Some(Ok(stored));
            }
            let last = self.walk.last;
            match self.walk.next_segment() {
                Ok(Some(contents)) => self.enter(last, contents),
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Recovery<'_> {
    fn enter(&mut self, last: EventId, contents: Contents) {
        if let Some(link) = self.directory.chain.links.get(self.segments.len()) {
            let base = link.header.as_ref().map_or(last, |header| header.base);
            let (bytes, has_header) = (contents.bytes, contents.header.is_some());
            self.segments.push(Segment { number: link.number, through: link.through(), base, bytes, has_header });
        }
        self.previous = contents.as_previous();
        self.findings.extend(contents.findings);
        self.stored = contents.stored.into_iter();
    }

    /// Reads the rest. A journal without a state file gets a new one, and a journal of an older program gets the files
    /// that it lacks.
    ///
    /// # Errors
    /// A segment cannot be read, or a new state file cannot be written.
    pub(crate) fn finish(mut self) -> io::Result<Recovered> {
        for stored in self.by_ref() {
            stored?;
        }
        let directory = self.directory;
        let end_findings = directory.end_findings(self.walk.last);
        let is_end_missing = !end_findings.is_empty();
        if is_end_missing {
            (self.walk.is_end_lost, self.walk.is_ended) = (true, false);
        }
        let ids_upto = self.ids_upto(is_end_missing);
        let mut state = self.state(ids_upto);
        self.findings.extend(end_findings);
        state.lose(if self.walk.is_end_lost { ids_upto } else { self.walk.lost });
        let next_number = directory.next_number(is_end_missing);
        let not_upgraded = self.write_files(&mut state, next_number.saturating_sub(1), ids_upto)?;
        Ok(Recovered {
            files: Arc::clone(&directory.files),
            boot: directory.boot,
            ids_upto,
            state,
            findings: self.findings,
            segments: Arc::new(Segments::new(self.segments)),
            next_number,
            previous: self.previous,
            not_upgraded,
        })
    }

    /// The id above which ids go on.
    ///
    /// If the last run did not end in order, nobody knows its last id. It is not beyond now, unless the clock was
    /// ahead. It is not beyond the reserved ids, which count if the end is lost.
    fn ids_upto(&self, is_end_missing: bool) -> EventId {
        let Directory { state, newest, .. } = self.directory;
        let known = state.as_ref().map(|state| state.born.max(state.lost).max(state.marks.newest()));
        let last = self.walk.last.max(self.walk.lost).max(known.unwrap_or_default());
        if self.walk.is_ended {
            return last;
        }
        let is_unknown = is_end_missing && newest.is_none();
        let gap_ms = if is_unknown {
            UNKNOWN_GAP_MS
        } else if self.walk.is_end_lost {
            CRASH_GAP_MS
        } else {
            KILL_GAP_MS
        };
        // Each run whose header cannot be read began so far above the one before it.
        let unread = self.segments.iter().rev().take_while(|segment| !segment.has_header).count();
        let gap_ms = gap_ms.saturating_mul(u64::try_from(unread).unwrap_or(u64::MAX).saturating_add(1));
        let reserved = newest.filter(|_| self.walk.is_end_lost);
        let reserved_ms = reserved.map_or(0, |newest| newest.ids_below_ms);
        EventId::new(last.ms().saturating_add(gap_ms).max(self.now_ms).max(reserved_ms), 0)
    }

    /// The state for the next run: the contents of the file, corrected if the file is behind or missing.
    fn state(&mut self, ids_upto: EventId) -> State {
        let chain = &self.directory.chain;
        let base = chain.base_from(0).unwrap_or(ids_upto);
        let mut state = self.directory.state.clone().unwrap_or_else(|| State::new(base));
        let finding = self.directory.state_finding();
        match finding {
            Some(Finding::NoState) => state.lose(self.given_up_by_rewrites(ids_upto).max(base)),
            Some(Finding::Unmarked { .. }) => state.lose(base),
            _ => {}
        }
        self.findings.extend(finding);
        let removed_upto = chain.links.first().map_or(0, |oldest| oldest.number.saturating_sub(1));
        state.remove(removed_upto);
        state
    }

    /// Writes the small files of a new journal, of one that lacks its state, and of one that an older program has
    /// written. The state comes second, because it says that the other file exists.
    ///
    /// If writing fails, an older journal is used in its format, and the error is returned.
    fn write_files(&self, state: &mut State, number: u64, ids_upto: EventId) -> io::Result<Option<io::Error>> {
        let Directory { files, state: found, newest, .. } = self.directory;
        if found.as_ref().is_some_and(|found| found.has_newest) {
            return Ok(None);
        }
        state.has_newest = true;
        let named = match newest {
            Some(_) => Ok(()),
            None => Newest::reserve(number, ids_upto).write(&**files, true).map(drop),
        };
        match named.and_then(|()| state.write(&**files)) {
            Err(error) if found.is_some() => {
                state.has_newest = false;
                Ok(Some(error))
            }
            written => written.map(|()| None),
        }
    }

    /// The newest id that a rewritten segment may have let go of.
    fn given_up_by_rewrites(&self, ids_upto: EventId) -> EventId {
        let chain = &self.directory.chain;
        let is_rewritten = |link: &Link| link.header.as_ref().is_some_and(|header| header.is_rewritten());
        let newest = chain.links.iter().rposition(is_rewritten);
        newest.map_or(EventId::ZERO, |index| chain.base_from(index + 1).unwrap_or(ids_upto))
    }
}
