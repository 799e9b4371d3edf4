//! The progress of a run on stderr for a person. Nothing is printed when stderr is no terminal.

use indicatif::{ProgressBar, ProgressStyle};

use crate::crowd::live::Counts;

/// One line that changes.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    connections: u32,
}

impl Progress {
    pub(crate) fn new(connections: u32) -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_style(ProgressStyle::with_template("{spinner} {elapsed} {msg}").expect("a constant that it takes"));
        Self { bar, connections }
    }

    pub(crate) fn opening(&self, counts: Counts) {
        self.bar.set_message(format!("opening: {} of {} streams", counts.open, self.connections));
        self.bar.tick();
    }

    pub(crate) fn publishing(&self, counts: Counts, published: u32, now_ns: u64) {
        let quiet_s = now_ns.saturating_sub(counts.activity_ns) as f64 / 1e9;
        let quiet = if quiet_s > 1.0 { format!(", nothing came for {quiet_s:.0} s") } else { String::new() };
        let Counts { deliveries, closed, back, .. } = counts;
        self.bar.set_message(format!(
            "published {published}, delivered {deliveries}, opened again {back}, closed {closed}{quiet}"
        ));
        self.bar.tick();
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
