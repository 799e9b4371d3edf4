//! A comparison in words: text for a terminal, Markdown for a file that is kept.
//!
//! Every figure has its server's losses beside it, and every fault is said in full below its table.

use std::fmt::Write;

use crate::compare::case::Better;
use crate::compare::cores::Cores;
use crate::compare::damage::Damage;
use crate::compare::spread::{Spread, number};
use crate::compare::summary::{CaseSummary, Comparison};
use crate::compare::table::Table;
use crate::report::told::shell;

const HOW_TO_READ: &str = "Each figure is the median over the rounds (least..largest). A ratio is the median of the \
    ratios within each round. Every run has a server of its own, started for it.";

impl Comparison {
    /// Text for a terminal.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}\n", self.headline());
        self.notes.iter().for_each(|note| push(&mut text, format_args!("note: {note}")));
        for case in &self.cases {
            push(&mut text, format_args!("\n{}: {}", case.name, case.shows));
            text.push_str(&case.table().text());
            case.faults().for_each(|fault| push(&mut text, format_args!("FAULT: {fault}")));
            let verdicts = self.targets.iter().filter(|verdict| verdict.case == case.name);
            verdicts.for_each(|verdict| push(&mut text, format_args!("  {}", verdict.text)));
        }
        text.push('\n');
        let general = self.targets.iter().filter(|verdict| verdict.case.is_empty());
        general.for_each(|verdict| push(&mut text, format_args!("{}", verdict.text)));
        text
    }

    /// Markdown for a file that is kept with the figures.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n{HOW_TO_READ}\n\n```sh\n{}\n```\n\n", self.headline(), self.command_line());
        text.push_str(&self.machine_table().markdown());
        if !self.notes.is_empty() {
            text.push('\n');
        }
        self.notes.iter().for_each(|note| push(&mut text, format_args!("- {note}")));
        for case in &self.cases {
            let _ = write!(text, "\n## {}\n\n{}\n\n{}", case.name, case.shows, case.table().markdown());
            let faults: Vec<String> =
                case.faults().map(|fault| format!("- FAULT: {}\n", fault.replace('\n', " "))).collect();
            if !faults.is_empty() {
                let _ = write!(text, "\n{}", faults.concat());
            }
        }
        if !self.targets.is_empty() {
            let _ = write!(text, "\n## Targets\n\n{}", self.targets_table().markdown());
        }
        for peer in &self.peers {
            if let Some(configuration) = &peer.configuration {
                let _ = write!(text, "\n## Configuration of {}\n\n```\n{configuration}```\n", peer.name);
            }
        }
        let _ = write!(text, "\n## Commands of the first round\n\n```sh\n{}```\n", self.first_commands());
        text
    }

    pub(super) fn headline(&self) -> String {
        let names: Vec<&str> = self.peers.iter().map(|peer| peer.name.as_str()).collect();
        let rounds = if self.rounds == 1 { "1 round".to_owned() } else { format!("{} rounds", self.rounds) };
        format!("comparison of {}, {rounds}, {}", names.join(", "), self.machine.date)
    }

    pub(super) fn machine_table(&self) -> Table {
        let machine = &self.machine;
        let mut table = Table::new(&["what", "is"]);
        let mut row = |what: &str, is: String| table.row(vec![what.to_owned(), is]);
        row("processor", format!("{}, {} cores", machine.cpu, machine.cores));
        row("memory", machine.memory.clone());
        row("kernel", machine.kernel.clone());
        row("load average before", machine.load_average.clone());
        row("pinned", self.cores.words());
        self.peers.iter().for_each(|peer| row(&peer.name, peer.version.clone()));
        table
    }

    pub(super) fn targets_table(&self) -> Table {
        let mut table = Table::new(&["case", "what", "target", "measured"]);
        for verdict in &self.targets {
            let case = if verdict.case.is_empty() { "all" } else { verdict.case };
            table.row([case, verdict.what, &verdict.target, &verdict.measured].map(str::to_owned).to_vec());
        }
        table
    }

    pub(super) fn command_line(&self) -> String {
        shell(&self.command)
    }

    fn first_commands(&self) -> String {
        let mut text = String::new();
        for trial in self.trials.iter().filter(|trial| trial.round == 1) {
            push(&mut text, format_args!("# {}, {}, {}", trial.case, trial.run, trial.peer));
            trial.server_command.iter().for_each(|command| push(&mut text, format_args!("{} &", shell(command))));
            push(&mut text, format_args!("{}", shell(&trial.generator_command)));
        }
        text
    }
}

impl CaseSummary {
    pub(super) fn table(&self) -> Table {
        let mut table =
            Table::new(&["figure", "server", "median (range)", "this / floor", "fanfare / this", "lost or faulty"]);
        let ratio = |ratio: Option<Spread>| ratio.map_or_else(|| "-".to_owned(), |ratio| times(ratio.median));
        for figure in &self.figures {
            let better = if figure.better == Better::More { " (more is better)" } else { "" };
            for row in &figure.rows {
                let damage = self.damages.iter().find(|damage| damage.peer == row.peer);
                let cells = [
                    format!("{}{better}", figure.label),
                    row.peer.clone(),
                    row.spread.map_or_else(|| "not measured".to_owned(), Spread::words),
                    ratio(row.ratio_to_floor),
                    ratio(row.fanfare_ratio),
                    damage.map_or_else(String::new, Damage::text),
                ];
                table.row(cells.to_vec());
            }
        }
        table
    }

    pub(super) fn faults(&self) -> impl Iterator<Item = String> {
        let of_peer = self.damages.iter().map(|damage| (&damage.peer, &damage.faults));
        of_peer.flat_map(|(peer, faults)| faults.iter().map(move |fault| format!("{peer}, {fault}")))
    }
}

impl Spread {
    fn words(self) -> String {
        let [median, min, max] = [self.median, self.min, self.max].map(number);
        if self.rounds == 1 { median } else { format!("{median} ({min}..{max})") }
    }
}

impl Cores {
    fn words(&self) -> String {
        match self {
            Self::Apart { server, generator } => format!("server on core {server}, load generator on {generator}"),
            Self::Shared => "no: server and load generator share what there is".to_owned(),
        }
    }
}

/// A ratio. Below a tenth it keeps two significant digits.
fn times(ratio: f64) -> String {
    if ratio.abs() < 0.1 { format!("{ratio:.4}") } else { format!("{ratio:.2}") }
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, "{line}");
}
