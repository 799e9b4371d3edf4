//! [`Report`]: what `check` says of a journal, found by reading all of it.

use std::io;

use fanfare_core::EventId;

use crate::{chain::Link, contents::Contents, finding::Finding, read_only::ReadOnlyDirectory};

/// A journal as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Oldest first.
    pub segments: Vec<SegmentReport>,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
    /// How many events there are.
    pub events: u64,
    /// A server has it open: what it is just writing is no finding.
    pub is_open: bool,
}

/// One segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentReport {
    /// Its number: of the first segment it stands for,
    pub number: u64,
    /// and of the last.
    pub through: u64,
    /// How many events it has.
    pub events: u64,
    /// How many idempotency keys it has without their events.
    pub keys: u64,
    /// How much of the file counts.
    pub bytes: u64,
    /// The first event and the last one.
    pub range: Option<(EventId, EventId)>,
}

impl ReadOnlyDirectory {
    /// Reads the whole journal.
    ///
    /// # Errors
    /// A segment cannot be read. That of a server that is running may be gone by then; another try will tell.
    pub fn check(&self) -> io::Result<Report> {
        let findings = self.directory().state_finding().into_iter().collect();
        let mut report = Report { segments: Vec::new(), findings, events: 0, is_open: self.is_open() };
        let mut walk = self.walk();
        for link in &self.directory().chain.links {
            let Some(contents) = walk.next_segment()? else { break };
            let segment = SegmentReport::new(link, &contents);
            report.events += segment.events;
            report.segments.push(segment);
            report.findings.extend(contents.findings);
        }
        report.findings.extend(self.directory().end_findings(walk.last));
        report.findings.retain(|finding| !(report.is_open && matches!(finding, Finding::Torn { .. })));
        Ok(report)
    }
}

impl SegmentReport {
    fn new(link: &Link, contents: &Contents) -> Self {
        let mut ids = contents.stored.iter().filter(|stored| stored.event.is_some()).map(|stored| stored.id);
        let events = ids.clone().count() as u64;
        let range = ids.next().map(|first| (first, ids.next_back().unwrap_or(first)));
        let (number, through, bytes) = (link.number, link.through(), contents.bytes);
        Self { number, through, events, keys: contents.stored.len() as u64 - events, bytes, range }
    }
}
