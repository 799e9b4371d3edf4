//! [`Log`]: appends groups of events to the newest segment. Each run begins a segment of its own, and never touches
//! those of earlier runs.
//!
//! A group is acknowledged or refused as a whole, and the id of a refused event is never given again. If the process is
//! killed before the answer, the first events of the group may be there.

use std::{io, sync::Arc};

use fanfare_core::EventId;

use crate::{
    active::{Active, AppendError},
    boot::Boot,
    config::{Fsync, LogConfig},
    files::Files,
    frame::{TooLong, put_frame},
    header::{Header, Previous},
    names::{NEWEST, segment_name},
    newest::Newest,
    record::{Entry, put_end, put_position},
    recovery::Recovered,
    segments::{Segment, Segments},
    unsynced::{IdRange, Unsynced},
};

/// The end of the journal, which appends.
#[derive(Debug)]
pub(crate) struct Log {
    files: Arc<dyn Files>,
    boot: Boot,
    config: LogConfig,
    segments: Arc<Segments>,
    unsynced: Arc<Unsynced>,
    /// The last id given.
    last: EventId,
    next_number: u64,
    /// Number of the first segment of this run.
    first_number: u64,
    /// The segment before the next one.
    previous: Option<Previous>,
    active: Option<Active>,
    /// Contents of the file that names the newest segment, if this run has written it.
    newest: Option<Newest>,
}

impl Log {
    /// The log of a run. Nothing is written before the first append.
    pub(crate) fn new(recovered: &Recovered, config: LogConfig) -> Self {
        Self {
            files: Arc::clone(&recovered.files),
            boot: recovered.boot,
            config,
            segments: Arc::clone(&recovered.segments),
            unsynced: Arc::new(Unsynced::new(Arc::clone(&recovered.files))),
            last: recovered.ids_upto,
            next_number: recovered.next_number,
            first_number: recovered.next_number,
            previous: recovered.previous,
            active: None,
            newest: None,
        }
    }

    /// The unsynced files, for the thread that syncs.
    pub(crate) fn unsynced(&self) -> Arc<Unsynced> {
        Arc::clone(&self.unsynced)
    }

    /// The last id given.
    #[cfg(test)]
    pub(crate) fn last(&self) -> EventId {
        self.last
    }

    /// Appends a group and returns the id of each event, in order. `now_ms` is Unix time.
    ///
    /// # Errors
    /// [`AppendError`]; the next append tries again.
    pub(crate) fn append(&mut self, now_ms: u64, group: &[Entry<'_>]) -> Result<Vec<EventId>, AppendError> {
        if group.is_empty() {
            return Ok(Vec::new());
        }
        let appended = self.append_once(now_ms, group);
        match &appended {
            // The log has given up that segment; a new one has more room.
            Err(error) if error.source.kind() == io::ErrorKind::FileTooLarge => self.append_once(now_ms, group),
            _ => appended,
        }
    }

    fn append_once(&mut self, now_ms: u64, group: &[Entry<'_>]) -> Result<Vec<EventId>, AppendError> {
        let active = self.take_active()?;
        let before = self.last;
        let ids: Vec<EventId> = group.iter().map(|_| self.next_id(now_ms)).collect();
        let frames = encode(group, &ids, active.salt);
        self.write(active, frames, before)?;
        Ok(ids)
    }

    /// Finds out whether the disk works and has room for about `bytes`. Takes an id that no event gets, and writes it
    /// down.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub(crate) fn probe(&mut self, now_ms: u64, bytes: usize) -> Result<(), AppendError> {
        let active = self.take_active()?;
        let (before, id) = (self.last, self.next_id(now_ms));
        let frame = encode_one(active.salt, |payload| {
            put_position(payload, id);
            payload.resize(payload.len() + bytes, 0);
        });
        self.write(active, frame, before)
    }

    /// Length of the part of the active segment that counts.
    pub(crate) fn active_bytes(&self) -> u64 {
        self.active.as_ref().map_or(0, |active| active.bytes)
    }

    /// Begins another segment, so that the one before is sealed.
    ///
    /// # Errors
    /// The disk may have no room, for instance; the next append tries again.
    pub(crate) fn roll(&mut self) -> io::Result<()> {
        if let Some(active) = self.active.take() {
            self.previous = Some(active.as_previous());
        }
        let active = self.begin_segment()?;
        let number = active.number;
        self.active = Some(active);
        self.name(number)
    }

    /// Ends the run in order. After success everything is on the disk, and the next run knows that.
    ///
    /// # Errors
    /// Appended events may not be on the disk.
    pub(crate) fn close(mut self) -> io::Result<()> {
        // The end is no reason for another segment.
        self.config.segment_bytes_max = u64::MAX;
        self.segments.set_full_bytes(u64::MAX);
        let active = self.take_active().map_err(|error| error.source)?;
        let (file, last) = (Arc::clone(&active.file), self.last);
        // The end says that everything else is on the disk, so that has to be true before the end is written.
        self.sync_run()?;
        let frame = encode_one(active.salt, |payload| put_end(payload, last));
        self.write(active, frame, last).map_err(|error| error.source)?;
        file.sync_data()
    }

    /// Syncs everything that this run has written. Some segments may have been removed meanwhile, or be part of a
    /// rewritten one.
    fn sync_run(&self) -> io::Result<()> {
        let numbers = self.segments.numbers().into_iter().filter(|number| *number >= self.first_number);
        for name in numbers.map(segment_name).chain([NEWEST.to_owned()]) {
            match self.files.sync(&name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.files.sync_names()
    }

    fn next_id(&mut self, now_ms: u64) -> EventId {
        self.last = self.last.next(now_ms);
        self.last
    }

    /// Takes the segment to write to: a new one if there is none, or the old one is full or could not be synced. The
    /// caller gives it back to [`Log::write`].
    fn take_active(&mut self) -> Result<Active, AppendError> {
        if let Some(active) = self.active.take() {
            if active.bytes < self.config.segment_bytes_max.min(self.segments.full_bytes())
                && !self.unsynced.has_failed(active.number)
            {
                return Ok(active);
            }
            self.previous = Some(active.as_previous());
        }
        self.begin_segment().map_err(|source| AppendError { is_unknown: false, source })
    }

    fn begin_segment(&mut self) -> io::Result<Active> {
        let header = Header {
            number: self.next_number,
            through: self.next_number,
            base: self.last,
            salt: rand::random(),
            rewritten_bytes: None,
            previous: self.previous,
            boot: self.boot,
            is_synced: self.config.fsync == Fsync::Always,
        };
        // The first segment of a run tells of a crash: the run before may have ended in order.
        let is_durable = header.is_synced || header.number == self.first_number;
        let active = Active::create(&*self.files, &header, is_durable)?;
        let Header { number, through, base, .. } = header;
        self.segments.push(Segment { number, through, base, bytes: active.bytes, has_header: true });
        if self.config.fsync == Fsync::Interval {
            self.unsynced.created(number, &active.file);
        }
        self.next_number = self.next_number.saturating_add(1);
        Ok(active)
    }

    /// Writes into the file `newest` that segment `number` has ids up to the last one given and some more, unless the
    /// file says so already.
    fn name(&mut self, number: u64) -> io::Result<()> {
        if self.newest.is_some_and(|newest| newest.covers(number, self.last)) {
            return Ok(());
        }
        let newest = Newest::reserve(number, self.last);
        // The first write of a run tells of a crash, as the first segment does.
        let is_durable = self.config.fsync == Fsync::Always || self.newest.is_none();
        let file = newest.write(&*self.files, is_durable)?;
        if self.config.fsync == Fsync::Interval {
            self.unsynced.created(number, &file);
        }
        self.newest = Some(newest);
        Ok(())
    }

    /// Writes frames with the ids from behind `before` to the last one given.
    fn write(
        &mut self,
        mut active: Active,
        frames: Result<Vec<u8>, TooLong>,
        before: EventId,
    ) -> Result<(), AppendError> {
        let refused = |source| AppendError { is_unknown: false, source };
        let written = frames
            .map_err(|error| refused(io::Error::new(io::ErrorKind::InvalidInput, error)))
            .and_then(|frames| self.name(active.number).map_err(refused).map(|()| frames))
            .and_then(|frames| active.append(&frames));
        if written.is_ok() {
            self.segments.grow(active.bytes);
            if self.config.fsync == Fsync::Interval {
                self.unsynced.wrote(active.number, &active.file, IdRange { after: before, upto: self.last });
            }
        }
        match &written {
            // The segment is given up: its end is unknown, or the file may not become longer.
            Err(error) if error.is_unknown || error.source.kind() == io::ErrorKind::FileTooLarge => {
                self.previous = Some(active.as_previous());
            }
            _ => self.active = Some(active),
        }
        written
    }
}

/// Encodes the frames of a group.
fn encode(group: &[Entry<'_>], ids: &[EventId], salt: u32) -> Result<Vec<u8>, TooLong> {
    let mut frames = Vec::new();
    let recorded = group.iter().zip(ids).filter(|(entry, _)| entry.is_recorded());
    let mut last_recorded = None;
    for (entry, id) in recorded {
        put_frame(&mut frames, salt, |payload| entry.put(payload, *id))?;
        last_recorded = Some(id);
    }
    // The last id has to be known after a restart, even if its event is not recorded.
    if let Some(last) = ids.last().filter(|last| last_recorded != Some(last)) {
        put_frame(&mut frames, salt, |payload| put_position(payload, *last))?;
    }
    Ok(frames)
}

fn encode_one(salt: u32, put: impl FnOnce(&mut Vec<u8>)) -> Result<Vec<u8>, TooLong> {
    let mut frame = Vec::new();
    put_frame(&mut frame, salt, put)?;
    Ok(frame)
}
