//! [`Report`]: the result of `check`, which reads the whole journal.

use std::io;

use fanfare_core::EventId;

use crate::{chain::Link, contents::Contents, finding::Finding, read_only::ReadOnlyDirectory};

/// A journal as `check` has found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The segments, oldest first.
    pub segments: Vec<SegmentReport>,
    /// Faults of the journal.
    pub findings: Vec<Finding>,
    /// Number of events.
    pub events: u64,
    /// Whether a server has the journal open. The write that the server is busy with is no finding.
    pub is_open: bool,
}

/// One segment as `check` has found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentReport {
    /// Number of the first segment that this one stands for.
    pub number: u64,
    /// Number of the last segment that this one stands for.
    pub through: u64,
    /// Number of events.
    pub events: u64,
    /// Number of idempotency keys without their events.
    pub keys: u64,
    /// Length of the part of the file that counts.
    pub bytes: u64,
    /// The first and the last event.
    pub range: Option<(EventId, EventId)>,
}

impl ReadOnlyDirectory {
    /// Reads the whole journal.
    ///
    /// [`ReadOnlyDirectory`] has an example.
    ///
    /// # Errors
    /// A segment cannot be read. A running server may have removed the segment meanwhile; another try tells.
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
