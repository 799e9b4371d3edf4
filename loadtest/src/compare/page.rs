//! A comparison as a page to send to somebody: bars for each figure, with the tables and the faults below them.

use crate::compare::case::Better;
use crate::compare::summary::{CaseSummary, Comparison};
use crate::report::chart::Chart;
use crate::report::page::Page;

impl Comparison {
    pub(crate) fn page(&self) -> Page {
        let mut page = Page::new(self.headline());
        page.command(self.command_line());
        let faults: Vec<String> = self.cases.iter().flat_map(CaseSummary::faults).collect();
        if faults.is_empty() {
            page.clean("No server lost, duplicated or reordered an event in any round.");
        }
        page.faults(&faults);
        self.notes.iter().for_each(|note| page.text(format!("Note: {note}.")));
        let targets = self.targets_table();
        page.table("Targets", &targets.head(), targets.body());
        for case in &self.cases {
            for figure in &case.figures {
                let bars = figure.rows.iter().map(|row| {
                    let median = row.spread.map_or(f64::NAN, |spread| spread.median);
                    (row.peer.clone(), median)
                });
                let better = if figure.better == Better::More { "more" } else { "less" };
                let heading = format!("{}: {} ({better} is better)", case.name, figure.label);
                page.chart(&heading, &Chart::bars("", bars.collect()));
            }
            let table = case.table();
            page.table(format!("{}: {}", case.name, case.shows), &table.head(), table.body());
        }
        let machine = self.machine_table();
        page.table("Machine", &machine.head(), machine.body());
        page
    }
}
