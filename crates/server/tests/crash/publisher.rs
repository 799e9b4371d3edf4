//! Publishers: one event at a time or in batches, and both with keys, repeated until there is an answer. Each records
//! exactly what it knows of each event.

use std::{thread, time::Duration};

use crate::{
    ledger::{Name, Outcome, Published, Target, id},
    site::Site,
    support::{
        rng::Rng,
        wire::{Answer, Requests},
    },
};

/// As in a busy feed, but slower than possible, because every start reads all events.
const PAUSE: Duration = Duration::from_millis(1);

/// A publisher with the letter of its events' names.
pub(crate) struct Publisher<'a> {
    site: &'a Site,
    letter: char,
    targets: &'a [Target],
    rng: Rng,
    next_number: u64,
    pause: Duration,
    published: Vec<Published>,
    connection: Option<Requests>,
    /// Number of the server's lives when the connection was opened, or refused.
    lives: u64,
}

impl<'a> Publisher<'a> {
    pub(crate) fn new(site: &'a Site, letter: char, targets: &'a [Target], seed: u64) -> Self {
        let rng = Rng::new(seed ^ u64::from(letter));
        let published = Vec::new();
        Self { site, letter, targets, rng, next_number: 0, pause: PAUSE, published, connection: None, lives: 0 }
    }

    /// Adds this pause after each request.
    pub(crate) fn pausing(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// Publishes one event at a time.
    pub(crate) fn publish_singly(mut self) -> Vec<Published> {
        while !self.site.is_closing() && self.publish_one() {
            thread::sleep(self.pause);
        }
        self.published
    }

    /// Publishes one event for each `acknowledged_each` acknowledged events of all, and at most `events_max`.
    pub(crate) fn publish_now_and_then(mut self, acknowledged_each: u64, events_max: usize) -> Vec<Published> {
        let mut next = self.site.acknowledged();
        while !self.site.is_closing() && self.published.len() < events_max {
            if self.site.acknowledged() < next {
                thread::sleep(self.pause);
                continue;
            }
            next = self.site.acknowledged() + acknowledged_each;
            if !self.publish_one() {
                break;
            }
        }
        self.published
    }

    /// Publishes one event. False: the run is over.
    fn publish_one(&mut self) -> bool {
        let Some(connection) = self.connected() else { return false };
        let (name, target) = (self.name(), self.rng.pick(self.targets));
        let answer = self.post(connection, &target.path(), &[], &name.data());
        let outcome = answer.map_or(Outcome::Unknown, |answer| outcome(&answer));
        self.record(name, &[target], outcome);
        true
    }

    /// Publishes one event at a time with a separate key, and repeats a publish without an answer. Each new server must
    /// also know one of the keys that were answered before.
    pub(crate) fn publish_with_keys(mut self) -> Vec<Published> {
        let mut answered: Vec<(Name, Target, Answer)> = Vec::new();
        let mut lives = self.lives;
        while !self.site.is_closing() {
            if self.lives > lives && !answered.is_empty() {
                let (name, target, first) = self.rng.pick(&answered);
                let Some(again) = self.post_until_answered(name, target) else { break };
                assert_eq!((again.id(), again.header("idempotent-replayed")), (first.id(), Some("true")), "{name}");
            }
            lives = self.lives;
            let (name, target) = (self.name(), self.rng.pick(self.targets));
            let Some(answer) = self.post_until_answered(name, target) else { break };
            self.record(name, &[target], outcome(&answer));
            answered.push((name, target, answer));
            thread::sleep(PAUSE);
        }
        self.published
    }

    fn post_until_answered(&mut self, name: Name, target: Target) -> Option<Answer> {
        let key = name.to_string();
        loop {
            let connection = self.connected()?;
            let answer = self.post(connection, &target.path(), &[("idempotency-key", &key)], &name.data());
            match answer.filter(|answer| matches!(outcome(answer), Outcome::Acknowledged(_))) {
                Some(answer) => return Some(answer),
                // One that drains, or whose journal is full or away, refuses or does not know.
                None => thread::sleep(PAUSE),
            }
        }
    }

    /// Publishes up to `lines_max` events in one request, each for one or several targets.
    pub(crate) fn publish_batches(mut self, lines_max: u64) -> Vec<Published> {
        while !self.site.is_closing() {
            let Some(connection) = self.connected() else { break };
            let batch = self.batch(lines_max);
            let body: String = batch.iter().map(|(name, targets)| line(*name, targets, false)).collect();
            let outcomes = match self.post(connection, "/publish", &[], &body) {
                None => vec![Outcome::Unknown; batch.len()],
                Some(answer) => outcomes(&answer, batch.len()),
            };
            self.record_batch(batch, outcomes);
        }
        self.published
    }

    /// The same with a key for each line. A batch that was not published whole is sent again.
    pub(crate) fn publish_batches_with_keys(mut self, lines_max: u64) -> Vec<Published> {
        while !self.site.is_closing() {
            let batch = self.batch(lines_max);
            let body: String = batch.iter().map(|(name, targets)| line(*name, targets, true)).collect();
            let answer = loop {
                let Some(connection) = self.connected() else { return self.published };
                let answer = self.post(connection, "/publish", &[], &body);
                if let Some(answer) = answer.filter(|answer| answer.status == 202) {
                    break answer;
                }
            };
            let outcomes = outcomes(&answer, batch.len());
            self.record_batch(batch, outcomes);
        }
        self.published
    }

    fn batch(&mut self, lines_max: u64) -> Vec<(Name, Vec<Target>)> {
        let lines = 1 + self.rng.number(lines_max);
        (0..lines).map(|_| (self.name(), self.targets_of_a_line())).collect()
    }

    fn record_batch(&mut self, batch: Vec<(Name, Vec<Target>)>, outcomes: Vec<Outcome>) {
        for ((name, targets), outcome) in batch.into_iter().zip(outcomes) {
            self.record(name, &targets, outcome);
        }
        thread::sleep(self.pause);
    }

    fn targets_of_a_line(&mut self) -> Vec<Target> {
        if self.rng.chance(25) {
            let is_channel = |target: &&Target| matches!(target, Target::Channel(_));
            return self.targets.iter().filter(is_channel).copied().collect();
        }
        vec![self.rng.pick(self.targets)]
    }

    fn name(&mut self) -> Name {
        let name = Name { publisher: self.letter, number: self.next_number };
        self.next_number += 1;
        name
    }

    fn record(&mut self, name: Name, targets: &[Target], outcome: Outcome) {
        self.site.count(outcome);
        self.published.push(Published { name, targets: targets.to_vec(), outcome });
    }

    /// The present connection, or one to the next server that accepts it.
    fn connected(&mut self) -> Option<Requests> {
        if let Some(connection) = self.connection.take() {
            return Some(connection);
        }
        let mut refused = 0;
        loop {
            let (address, lives) = self.site.address(refused)?;
            match Requests::open(address) {
                Ok(connection) => {
                    self.lives = lives;
                    return Some(connection);
                }
                Err(_) => refused = lives,
            }
        }
    }

    /// Sends a request. None: the outcome is unknown, and the connection is gone.
    fn post(&mut self, mut on: Requests, path: &str, headers: &[(&str, &str)], body: &str) -> Option<Answer> {
        let answer = on.post(path, headers, body).ok()?;
        self.connection = Some(on).filter(|_| answer.header("connection") != Some("close"));
        Some(answer)
    }
}

/// The outcome of one event, from its answer.
fn outcome(answer: &Answer) -> Outcome {
    match answer.status {
        202 => Outcome::Acknowledged(Some(id(&answer.id()))),
        503 if answer.json()["published"] == "unknown" => Outcome::Unknown,
        503 => Outcome::Refused,
        _ => panic!("{answer:?}"),
    }
}

/// The outcome of each line of a batch. Lines are published in order. Of the lines that were sent to the journal the
/// answer names the failed ones.
fn outcomes(answer: &Answer, lines: usize) -> Vec<Outcome> {
    assert!([202, 503].contains(&answer.status), "{answer:?}");
    let counts = answer.json();
    let count = |name: &str| usize::try_from(counts[name].as_u64().unwrap()).unwrap();
    let sent = count("published") + count("failed");
    assert!(answer.status == 503 || count("published") == lines, "{answer:?}");
    let failed: Vec<u64> =
        counts["errors"].as_array().unwrap().iter().filter_map(|error| error["line"].as_u64()).collect();
    assert_eq!(failed.len(), count("failed"), "{answer:?}");
    let is_published = |line: &usize| !failed.contains(&(*line as u64 + 1));
    let failure = if counts["unknown"].is_null() { Outcome::Refused } else { Outcome::Unknown };
    let (first, last) = ((0..sent).find(is_published), (0..sent).rfind(is_published));
    let told = |name: &str| counts[name].as_str().map(id);
    let outcome = |line: usize| match Some(line) {
        _ if line >= sent => Outcome::Refused,
        _ if !is_published(&line) => failure,
        at if at == first => Outcome::Acknowledged(told("first")),
        at if at == last => Outcome::Acknowledged(told("last")),
        _ => Outcome::Acknowledged(None),
    };
    (0..lines).map(outcome).collect()
}

fn line(name: Name, targets: &[Target], has_key: bool) -> String {
    let data = name.data();
    let channel = |target: &Target| if let Target::Channel(name) = target { Some(format!("\"{name}\"")) } else { None };
    let channels: Vec<String> = targets.iter().filter_map(channel).collect();
    let to = match targets {
        [Target::All] => "\"all\":true".to_owned(),
        [Target::Client(id)] => format!("\"client\":\"{id}\""),
        _ => format!("\"channels\":[{}]", channels.join(",")),
    };
    let key = if has_key { format!(",\"idempotency_key\":\"{name}\"") } else { String::new() };
    format!("{{{to},\"data\":\"{data}\"{key}}}\n")
}
