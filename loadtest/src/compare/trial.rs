//! A trial: one run of one case with one freshly started server, in one round. All of them, interleaved.
//!
//! Rounds go over all cases and servers in turn, so that a change on the machine meets all alike.

use std::io::{self, Write};
use std::net::SocketAddr;

use serde_json::Value;

use crate::compare::case::Case;
use crate::compare::certificate::Certificate;
use crate::compare::cores::Cores;
use crate::compare::error::CompareError;
use crate::compare::extra::Extra;
use crate::compare::generator::{self, GeneratorError, Outcome};
use crate::compare::load::Load;
use crate::compare::peer::Peer;
use crate::compare::peer::error::PeerError;
use crate::compare::peer::listening::Listening;
use crate::compare::scraper::{Scraped, Scraper};
use crate::interrupt::Interrupt;
use crate::report::told::as_told;

/// One run of one case with one server, and its outcome.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Trial {
    /// From 1.
    pub(crate) round: u32,
    pub(crate) case: &'static str,
    /// The run within the case.
    pub(crate) run: &'static str,
    pub(crate) peer: String,
    /// The command that started the server, if it was started here.
    pub(crate) server_command: Option<Vec<String>>,
    pub(crate) generator_command: Vec<String>,
    pub(crate) outcome: Outcome,
    /// The faults, as the load generator or this program says them.
    pub(crate) faults: Vec<String>,
}

impl Trial {
    /// A figure by its name in the generator's JSON.
    pub(crate) fn figure(&self, name: &str) -> Option<f64> {
        match &self.outcome {
            Outcome::Figures(figures) => figures.get(name).and_then(Value::as_f64),
            Outcome::Failed(_) => None,
        }
    }
}

/// The cases to run, and the servers to run them with.
pub(crate) struct Plan<'a> {
    pub(crate) cases: &'a [&'static Case],
    pub(crate) peers: &'a [Peer],
    pub(crate) rounds: u32,
    pub(crate) scale: f64,
    pub(crate) certificate: &'a Certificate,
    pub(crate) cores: &'a Cores,
    pub(crate) interrupt: &'a Interrupt,
}

impl Plan<'_> {
    /// Runs everything, and says its progress on stderr.
    pub(crate) fn run(&self) -> Result<Vec<Trial>, CompareError> {
        let generator = std::env::current_exe().map_err(CompareError::OwnProgram)?.to_string_lossy().into_owned();
        let mut trials: Vec<Trial> = Vec::new();
        for round in 1..=self.rounds {
            for case in self.cases {
                for turn in 0..self.peers.len() {
                    // Each round begins with another server, because the one behind a heavy server may find the machine
                    // hot.
                    let peer = &self.peers[(turn + round as usize - 1) % self.peers.len()];
                    let loads =
                        case.runs.iter().map(|load| if self.scale < 1.0 { load.scaled(self.scale) } else { *load });
                    let takes_part = peer.knows(case.extra());
                    for load in loads.filter(|load| takes_part && peer.speaks(load.transport)) {
                        let trial = match self.trial(round, case, peer, load, &generator) {
                            // A server that has run before is not wrong here, and its figures are kept.
                            Err(error) if trials.iter().any(|trial| trial.peer == peer.name) => {
                                failed(round, case, peer, load, error)?
                            }
                            trial => trial?,
                        };
                        self.say(&trial);
                        trials.push(trial);
                    }
                }
            }
        }
        Ok(trials)
    }

    fn trial(
        &self,
        round: u32,
        case: &'static Case,
        peer: &Peer,
        load: Load,
        generator: &str,
    ) -> Result<Trial, CompareError> {
        let tls = load.transport.is_tls.then(|| self.certificate.files()).transpose()?;
        let listening = Listening { version: load.transport.version, tls, extra: load.extra };
        let mut running = peer.start(&listening, self.cores, self.interrupt)?;
        let mut generator_command = vec![generator.to_owned()];
        generator_command.extend(load.args());
        generator_command.append(&mut running.target);
        if let Some(program) = &running.program {
            generator_command.extend(["--pid".to_owned(), program.pid().to_string()]);
        }
        let scraper = match load.extra {
            Extra::Scrapes => Some(self.scraper(running.operators)?),
            Extra::Nothing | Extra::Tokens => None,
        };
        let outcome = generator::run(&generator_command, load, self.cores, self.interrupt);
        let scraped = scraper.map(Scraper::end);
        let outcome = outcome?;
        let mut faults = match &outcome {
            Outcome::Figures(figures) => faults_of(figures),
            Outcome::Failed(why) => vec![why.clone()],
        };
        match scraped {
            Some(Some(Scraped { failed_first: Some(cause), .. })) => faults.push(format!("a scrape failed: {cause}")),
            Some(None) => faults.push("the thread that scrapes died".to_owned()),
            Some(Some(_)) | None => {}
        }
        if let Some(program) = &mut running.program
            && let Some(status) = program.ended()
        {
            faults.push(format!("the server ended during the run ({status}); {}", program.last_words()));
        }
        let generator_command = as_told(generator_command);
        let (case, peer, server_command) = (case.name, peer.name.clone(), running.command.take().map(as_told));
        Ok(Trial { round, case, run: load.name, peer, server_command, generator_command, outcome, faults })
    }

    fn scraper(&self, operators: Option<SocketAddr>) -> Result<Scraper, CompareError> {
        let address = operators.ok_or(CompareError::NoFigures)?;
        Scraper::start(address, self.cores).map_err(CompareError::Scraper)
    }

    fn say(&self, trial: &Trial) {
        let Trial { round, case, run, peer, .. } = trial;
        let faults = trial.faults.iter().map(|fault| format!(": FAULT: {fault}")).collect::<String>();
        // Nothing is left to be done about a closed stderr.
        let _ = writeln!(io::stderr().lock(), "round {round} of {}: {case}, {run}: {peer}{faults}", self.rounds);
    }
}

/// A trial without a result, or the error again if it has to end everything.
fn failed(
    round: u32,
    case: &'static Case,
    peer: &Peer,
    load: Load,
    error: CompareError,
) -> Result<Trial, CompareError> {
    if matches!(
        error,
        CompareError::Peer(PeerError::Interrupted) | CompareError::Generator(GeneratorError::Interrupted)
    ) {
        return Err(error);
    }
    let why = error.to_string();
    Ok(Trial {
        round,
        case: case.name,
        run: load.name,
        peer: peer.name.clone(),
        server_command: None,
        generator_command: Vec::new(),
        outcome: Outcome::Failed(why.clone()),
        faults: vec![why],
    })
}

fn faults_of(figures: &serde_json::Map<String, Value>) -> Vec<String> {
    let texts = figures.get("faults").and_then(Value::as_array).into_iter().flatten();
    texts.map(|fault| fault.as_str().map_or_else(|| fault.to_string(), str::to_owned)).collect()
}
