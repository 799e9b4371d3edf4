//! [`Reclaim`]: gives back the space of events that nobody needs any more. It works on sealed segments only, beside the
//! log. Each event that is let go of leaves a mark before it is gone.

use std::{io, iter, sync::Arc};

use fanfare_core::{EventId, journal::Holds};

use crate::{
    boot::Boot,
    contents::Contents,
    files::{Files, write_all},
    frame::put_frame,
    header::{HEADER_BYTES, Header},
    names::{segment_name, tmp_name},
    record::Stored,
    recovery::Recovered,
    segments::{SealedSegment, Segment, Segments},
    state::{Marks, State},
};

/// Answer for a publish that the caller gave none for.
const ALL: Holds = Holds { event: true, key: true };

/// Removes and rewrites segments. `plan` says which ones.
#[derive(Debug)]
pub(crate) struct Reclaim {
    files: Arc<dyn Files>,
    boot: Boot,
    segments: Arc<Segments>,
    state: State,
    marks_max: usize,
    /// Files that are part of a rewritten segment, and still there.
    left_overs: Vec<u64>,
}

impl Reclaim {
    /// Goes on from the findings of a start. Above `marks_max` targets the oldest marks become one mark for all.
    pub(crate) fn new(recovered: &Recovered, marks_max: usize) -> Self {
        Self {
            files: Arc::clone(&recovered.files),
            boot: recovered.boot,
            segments: Arc::clone(&recovered.segments),
            state: recovered.state.clone(),
            marks_max,
            left_overs: Vec::new(),
        }
    }

    /// The newest event that was given up, for each target.
    #[cfg(test)]
    pub(crate) fn marks(&self) -> &Marks {
        &self.state.marks
    }

    /// Length that a sealed segment would have after a rewrite. `is_live` says for each publish which parts are needed.
    ///
    /// # Errors
    /// The segment does not exist, or cannot be read.
    pub(crate) fn live_bytes(&self, number: u64, mut is_live: impl FnMut(&[Stored]) -> Vec<Holds>) -> io::Result<u64> {
        let run = self.run(number, number)?;
        let live = self.collect(&run, 0, &mut is_live, &mut |_| {})?;
        Ok((HEADER_BYTES + live.frames.len()) as u64)
    }

    /// Removes the oldest segment, whose events are all given up.
    ///
    /// On a full disk the marks may be written later. A restart before that reports everything up to the oldest segment
    /// as lost.
    ///
    /// # Errors
    /// The segment is not the oldest one or not sealed, or it cannot be removed.
    pub(crate) fn remove(&mut self, number: u64) -> io::Result<()> {
        let oldest = self.segments.sealed().first().copied().filter(|oldest| oldest.number == number);
        let oldest = oldest.ok_or_else(not_sealed)?;
        self.remove_left_overs()?;
        self.sync_newest()?;
        match self.read(&oldest) {
            Ok(contents) => {
                contents.stored.iter().for_each(|stored| give_up(&mut self.state.marks, stored));
                self.state.lose(lost_in(&contents, &oldest));
            }
            // An unreadable segment can be removed nevertheless. Its events count for every target.
            Err(_) => self.state.marks.add_for_all(oldest.upto),
        }
        // The missing segments behind it go too: the state has told them as lost since the start.
        let next = self.segments.numbers().get(1).map_or(oldest.through, |next| next.saturating_sub(1));
        self.state.remove(next);
        self.state.marks.fold(self.marks_max);
        // Removing makes room, so it does not wait for room. The numbers tell the recovery that a mark is missing.
        let is_written = self.state.write(&*self.files).is_ok();
        match self.files.remove(&segment_name(number)) {
            // The file is gone already.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.segments.remove(number);
        if !is_written {
            // The disk may have room now.
            let _ = self.state.write(&*self.files);
        }
        Ok(())
    }

    /// Makes one segment of the adjacent sealed ones from `first` to `last`, with the live events.
    ///
    /// `is_live` is asked about the events of one segment at a time. The result is held in memory until it is written.
    ///
    /// # Errors
    /// The segments are not sealed, or reading or writing failed. No event has changed then, and the next start removes
    /// the remains.
    pub(crate) fn rewrite(
        &mut self,
        first: u64,
        last: u64,
        mut is_live: impl FnMut(&[Stored]) -> Vec<Holds>,
    ) -> io::Result<()> {
        let run = self.run(first, last)?;
        self.remove_left_overs()?;
        let mut state = self.state.clone();
        let salt = rand::random();
        let live = self.collect(&run, salt, &mut is_live, &mut |stored| give_up(&mut state.marks, stored))?;
        state.lose(live.lost);
        state.marks.fold(self.marks_max);
        let header = live.header(&run, salt).ok_or_else(not_sealed)?;
        let tmp = tmp_name(&segment_name(first));
        let written = self.write(&tmp, &header, &live.frames).and_then(|()| {
            self.sync_newest()?;
            // Marks come first: a mark too many only costs a gap too many.
            state.write(&*self.files)?;
            self.state = state;
            self.files.rename(&tmp, &segment_name(first))
        });
        if written.is_err() {
            // The next start removes the file if this fails.
            let _ = self.files.remove(&tmp);
            return written;
        }
        let Header { number, through, base, .. } = header;
        let bytes = header.rewritten_bytes.unwrap_or_default();
        self.segments.replace(Segment { number, through, base, bytes, has_header: true });
        self.left_overs.extend(run.iter().skip(1).map(|sealed| sealed.number));
        self.remove_left_overs()
    }

    /// Removes the files that a rewritten segment stands for. They have to go before that segment does: afterwards
    /// nothing tells that they do not count.
    fn remove_left_overs(&mut self) -> io::Result<()> {
        if self.left_overs.is_empty() {
            return Ok(());
        }
        // The rewritten segment has to have its name on the disk first.
        self.files.sync_names()?;
        while let Some(number) = self.left_overs.last() {
            match self.files.remove(&segment_name(*number)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => self.left_overs.pop(),
            };
        }
        Ok(())
    }

    /// Syncs the newest segment. The segment that is about to go may be the only one on the disk that tells how far ids
    /// had come.
    fn sync_newest(&self) -> io::Result<()> {
        let Some(newest) = self.segments.newest() else { return Ok(()) };
        self.files.sync(&segment_name(newest))?;
        self.files.sync_names()
    }

    /// The adjacent sealed segments from `first` to `last`.
    fn run(&self, first: u64, last: u64) -> io::Result<Vec<SealedSegment>> {
        let mut run = self.segments.sealed();
        run.retain(|sealed| (first..=last).contains(&sealed.number));
        let is_run = run.first().is_some_and(|sealed| sealed.number == first)
            && run.last().is_some_and(|sealed| sealed.number == last);
        is_run.then_some(run).ok_or_else(not_sealed)
    }

    fn read(&self, sealed: &SealedSegment) -> io::Result<Contents> {
        Contents::read(&*self.files, sealed.number, Some(sealed.bytes), sealed.base, self.boot, None)
    }

    /// Collects the live events of a run, as frames.
    fn collect(
        &self,
        run: &[SealedSegment],
        salt: u32,
        is_live: &mut dyn FnMut(&[Stored]) -> Vec<Holds>,
        give_up: &mut dyn FnMut(&Stored),
    ) -> io::Result<Live> {
        let mut live = Live::default();
        for sealed in run {
            let contents = self.read(sealed)?;
            live.lost = live.lost.max(lost_in(&contents, sealed));
            // An event without an answer stays.
            let answers = is_live(&contents.stored).into_iter().chain(iter::repeat(ALL));
            for (stored, holds) in contents.stored.iter().zip(answers) {
                if !holds.event {
                    give_up(stored);
                }
                if stored.is_live(holds) {
                    put_frame(&mut live.frames, salt, |payload| stored.put(payload, holds))
                        .map_err(io::Error::other)?;
                }
            }
            live.found = live.found.or(contents.header);
        }
        Ok(live)
    }

    fn write(&self, name: &str, header: &Header, frames: &[u8]) -> io::Result<()> {
        let file = self.files.create(name)?;
        write_all(&*file, &header.encode())?;
        write_all(&*file, frames)?;
        file.sync_data()
    }
}

/// The part of a run that a rewrite keeps.
#[derive(Debug, Default)]
struct Live {
    /// The first header of the run that is not damaged.
    found: Option<Header>,
    frames: Vec<u8>,
    /// The newest id up to which damage has lost events.
    lost: EventId,
}

impl Live {
    /// The header of the segment that stands for `run`.
    fn header(&self, run: &[SealedSegment], salt: u32) -> Option<Header> {
        let (first, last) = (run.first()?, run.last()?);
        let found = self.found.as_ref();
        let of_first = found.filter(|header| header.number == first.number);
        Some(Header {
            number: first.number,
            through: last.through,
            base: first.base,
            salt,
            rewritten_bytes: Some((HEADER_BYTES + self.frames.len()) as u64),
            previous: of_first.and_then(|header| header.previous),
            // The boot stays: the boots of two segments tell whether the machine stopped between them.
            boot: found.map_or(Boot::UNKNOWN, |header| header.boot),
            is_synced: true,
        })
    }
}

/// The newest id up to which events of a segment are lost.
fn lost_in(contents: &Contents, sealed: &SealedSegment) -> EventId {
    if contents.is_end_lost { sealed.upto } else { contents.lost }
}

/// Marks an event as given up. A key without an event needs no mark.
fn give_up(marks: &mut Marks, stored: &Stored) {
    if let Some(event) = &stored.event {
        event.targets().iter().for_each(|target| marks.add(target, stored.id));
    }
}

fn not_sealed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "there are no such sealed segments")
}
