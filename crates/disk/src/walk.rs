//! [`Walk`]: goes through all segments from the oldest to the newest, with one in memory at a time, and adds up the
//! losses.

use std::io;

use fanfare_core::EventId;

use crate::{boot::Boot, chain::Chain, contents::Contents, files::Files, finding::Finding, header::Header};

/// A reader on its way through the segments of a directory.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    files: &'a dyn Files,
    chain: &'a Chain,
    boot: Boot,
    next: usize,
    /// The last id that is known to have been given.
    pub(crate) last: EventId,
    /// The newest id up to which events are lost.
    pub(crate) lost: EventId,
    /// Whether events between the last id and the end are lost.
    pub(crate) is_end_lost: bool,
    /// Whether the last segment was closed in order.
    pub(crate) is_ended: bool,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(files: &'a dyn Files, chain: &'a Chain, boot: Boot) -> Self {
        let (last, lost) = (EventId::ZERO, EventId::ZERO);
        Self { files, chain, boot, next: 0, last, lost, is_end_lost: false, is_ended: false }
    }

    /// Reads the next segment, with the findings before, in and behind it. An unreadable segment stays the next.
    pub(crate) fn next_segment(&mut self) -> io::Result<Option<Contents>> {
        let index = self.next;
        let Some(link) = self.chain.links.get(index) else { return Ok(None) };
        let missing = self.missing_before(index);
        let length = self.chain.length(index);
        let mut contents = Contents::read(self.files, link.number, length, self.last, self.boot, link.header.as_ref())?;
        self.next += 1;
        if let Some(missing) = missing {
            self.lose_upto_base(index);
            contents.findings.insert(0, missing);
        }
        self.last = self.last.max(contents.last);
        self.lost = self.lost.max(contents.lost);
        self.is_ended = contents.is_ended;
        if self.has_crashed_behind(index, &contents) {
            contents.findings.push(Finding::Crashed { file: link.name(), after: self.last });
            contents.is_end_lost = true;
        }
        if contents.is_end_lost {
            self.lose_upto_base(index + 1);
        }
        Ok(Some(contents))
    }

    /// Notes that events before segment `index` are lost.
    fn lose_upto_base(&mut self, index: usize) {
        match self.chain.base_from(index) {
            Some(base) => self.lost = self.lost.max(base),
            None => self.is_end_lost = true,
        }
    }

    fn missing_before(&self, index: usize) -> Option<Finding> {
        let before = self.chain.links.get(index.checked_sub(1)?)?;
        let (first, last) = (before.through().saturating_add(1), self.chain.links.get(index)?.number.saturating_sub(1));
        (first <= last).then_some(Finding::Missing { first, last, after: self.last })
    }

    /// Whether the machine stopped after this segment, before its events were on the disk.
    fn has_crashed_behind(&self, index: usize, contents: &Contents) -> bool {
        let Some(header) = contents.header.as_ref() else { return false };
        let is_safe = |header: &Header| header.is_synced || header.is_rewritten();
        // A damaged header does not tell. The header behind it does.
        let mut behind = self.chain.links.iter().skip(index + 1).filter_map(|link| link.header.as_ref());
        // A segment that was rewritten of nothing but damage does not tell either.
        let next_boot =
            behind.find(|header| !header.is_rewritten() || header.boot.is_known()).map(|header| header.boot);
        !contents.is_ended && !is_safe(header) && !header.boot.is_same(next_boot.unwrap_or(self.boot))
    }
}
