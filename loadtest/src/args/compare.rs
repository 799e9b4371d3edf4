//! The flags of `compare`.

use std::path::PathBuf;

use crate::compare::case::{self, Case};
use crate::compare::cores::CoreList;
use crate::compare::peer::built_in::BuiltIn;
use crate::compare::peer::given::Given;

/// The most rounds: an hour or so.
const ROUNDS_MAX: i64 = 20;

#[derive(Debug, clap::Args)]
pub(crate) struct CompareArgs {
    /// The servers to start and compare
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "floor,fanfare,nchan")]
    pub(crate) peers: Vec<BuiltIn>,
    /// One more server, which runs already: NAME,url=http://HOST:PORT, then preset=NAME, or subscribe=PATH and
    /// publish=PATH with body=TEXT and header=K: V if needed; subscribe-token=TOKEN and publish-token=TOKEN go with
    /// every request of the kind; pid=N adds its CPU and memory. With https://, tls-ca=FILE names whom to trust; http=2 is
    /// for HTTP/2. It takes part in the runs that go over what it was given for. May be
    /// given several times
    #[arg(long, value_name = "NAME,url=URL,...")]
    pub(crate) peer: Vec<Given>,
    /// The cases to run; all if not given
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = case::find)]
    cases: Vec<&'static Case>,
    /// The rounds: in each, every case is run with every server; medians are taken over them
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(1..=ROUNDS_MAX))]
    pub(crate) rounds: u32,
    /// Runs every case with this share of its streams and events: for a quick look, proves nothing
    #[arg(long, value_name = "SHARE", default_value = "1", value_parser = parse_scale)]
    pub(crate) scale: f64,
    /// The core that a started server runs on; the first if not given
    #[arg(long, value_name = "N")]
    pub(crate) server_core: Option<usize>,
    /// The cores that the load generator runs on, as in 1,3-5; the others if not given
    #[arg(long, value_name = "LIST")]
    pub(crate) generator_cores: Option<CoreList>,
    /// Fanfare's program; beside this one or in PATH if not given
    #[arg(long, value_name = "FILE")]
    pub(crate) fanfare: Option<PathBuf>,
    /// More arguments for Fanfare, parted by spaces. Its log has to stay at info: there it says where it listens
    #[arg(long, value_name = "ARGS", default_value = "", allow_hyphen_values = true)]
    pub(crate) fanfare_args: String,
    /// The program nginx; in PATH or /usr/sbin if not given
    #[arg(long, value_name = "FILE")]
    pub(crate) nginx: Option<PathBuf>,
    /// nginx's module nchan; where Debian and others put it if not given
    #[arg(long, value_name = "FILE")]
    pub(crate) nchan_module: Option<PathBuf>,
    /// Write summary.json, README.md and report.html into this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

impl CompareArgs {
    /// The chosen cases, in the order of the table.
    pub(crate) fn cases(&self) -> Vec<&'static Case> {
        let is_chosen =
            |case: &&Case| self.cases.is_empty() || self.cases.iter().any(|chosen| chosen.name == case.name);
        case::CASES.iter().filter(is_chosen).collect()
    }
}

fn parse_scale(typed: &str) -> Result<f64, String> {
    match typed.parse::<f64>() {
        Ok(scale) if (0.001..=1.0).contains(&scale) => Ok(scale),
        _ => Err("a share is a number from 0.001 to 1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        compare: CompareArgs,
    }

    fn names(line: &[&str]) -> Vec<&'static str> {
        let line = Line::try_parse_from(["compare"].iter().chain(line)).unwrap();
        line.compare.cases().iter().map(|case| case.name).collect()
    }

    #[test]
    fn the_cases_are_all_or_the_chosen_ones_in_the_order_of_the_table() {
        assert_eq!(names(&[]).len(), case::CASES.len());
        assert_eq!(names(&["--cases", "few,sparse-1000", "--cases=few"]), ["sparse-1000", "few"]);
    }

    #[test]
    fn a_share_is_above_nothing_and_at_most_all() {
        assert_eq!(parse_scale("1"), Ok(1.0));
        for wrong in ["0", "1.1", "-1", "nan", ""] {
            assert!(parse_scale(wrong).is_err(), "{wrong}");
        }
    }
}
