//! [`Script`]: a scenario of `page.js`, step by step.

use std::{sync::mpsc::RecvTimeoutError, time::Duration};

use serde_json::Value;

use crate::stage::{Part, Said};

/// Long, because a browser starts slowly on a busy machine.
const LINE_TIME_MAX: Duration = Duration::from_secs(60);

/// A scenario that uses the page and reports what it sees.
pub(crate) struct Script(Part);

impl Script {
    /// Starts a scenario with the page of this address.
    #[track_caller]
    pub(crate) fn start(scenario: &str, url: &str) -> Self {
        Self(Part::play(scenario, url))
    }

    /// What the scenario reports next. None once it has ended well. Faults of the page fail the test.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Option<Value> {
        match self.0.said.recv_timeout(LINE_TIME_MAX) {
            Ok(Said::Report(report)) => {
                assert!(report["fault"].is_null(), "the page has a fault: {report}");
                Some(report)
            }
            Ok(Said::Ended) => None,
            Ok(Said::Failed(why)) => panic!("the scenario failed: {why}"),
            Err(RecvTimeoutError::Timeout) => {
                panic!("the scenario reported nothing for {LINE_TIME_MAX:?}: {}", Part::complaints())
            }
            Err(RecvTimeoutError::Disconnected) => panic!("the browser has ended: {}", Part::complaints()),
        }
    }

    #[track_caller]
    pub(crate) fn report(&mut self) -> Value {
        self.next().expect("the scenario ended too early")
    }

    /// Lets the scenario go on.
    pub(crate) fn go_on(&mut self) {
        self.tell("");
    }

    /// The same, with something that it has to know.
    pub(crate) fn tell(&mut self, what: &str) {
        self.0.tell(what);
    }

    /// Waits for the scenario to end well, with nothing more to report.
    #[track_caller]
    pub(crate) fn end(mut self) {
        assert_eq!(self.next(), None);
    }
}
