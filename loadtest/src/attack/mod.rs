//! An attack: clients from addresses of their own that hold, flood and probe a target for a while, and an account of
//! their answers.
//!
//! Bounded in time and counts. Each kind has a fixed number of tasks and a rate. A request is sent as it is said in the
//! dialect, but without a token or with a wrong one.

pub(crate) mod kind;
pub(crate) mod tally;

mod door;
mod pace;
mod ways;

use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinSet;

use self::door::Door;
use self::kind::Kind;
use self::pace::Pace;
use self::tally::{Score, Tally};
use self::ways::Attacker;
use crate::crowd::outsiders::Outsiders;
use crate::crowd::plan::Plan;
use crate::failure::Failure;
use crate::link::tls::Tls;
use crate::wire::dialect::Names;
use crate::wire::transport::{Transport, Version};

/// The tasks of a kind, beside those that hold sockets.
const TASKS: u32 = 64;
/// HTTP/2 connections.
const CONNECTIONS: u32 = 4;
/// The bytes of a body that comes slowly: more than come in any attack.
const BODY_BYTES: usize = 64 << 10;
/// Honest streams follow the first channel. What an attacker publishes goes elsewhere.
const HONEST: Names = Names { channel: 0, client: 0 };
const ELSEWHERE: Names = Names { channel: 9_999, client: 999_999 };

/// The strength of an attack.
#[derive(Debug, Clone)]
pub(crate) struct Attack {
    pub(crate) kinds: Vec<Kind>,
    /// Source addresses, where the target is on loopback.
    pub(crate) addresses: u32,
    /// Sockets that are held.
    pub(crate) held: u32,
    /// Connects, streams or requests of each kind a second, at most.
    pub(crate) per_s: f64,
    pub(crate) time: Duration,
}

/// The end of an attack.
#[derive(Debug)]
pub(crate) struct Attacked {
    pub(crate) tallies: Vec<(Kind, Tally)>,
    /// The time at which it was over, by the run's clock.
    pub(crate) ended_ns: u64,
}

impl Attack {
    fn tasks(&self, kind: Kind) -> u32 {
        match kind {
            Kind::Sockets => self.held,
            Kind::Streams | Kind::Requests | Kind::Bodies => TASKS,
            Kind::Http2 => CONNECTIONS,
        }
    }

    /// The most sockets that it has at once.
    pub(crate) fn sockets(&self) -> u32 {
        self.kinds.iter().map(|kind| self.tasks(*kind)).sum()
    }

    /// Begins the attack at `begin_ns`, by the run's clock, on the nodes in turn.
    pub(crate) fn start(&self, plan: &Plan, begin_ns: u64) -> Result<Outsiders<Attacked>, Failure> {
        let over = |version| Tls::new(&Transport { version, ..plan.transport.clone() });
        let (http1, http2) = (over(Version::Http1)?, over(Version::Http2)?);
        let (attack, plan) = (self.clone(), plan.clone());
        Outsiders::start("attackers", move || async move { (attack.run(&plan, http1, http2, begin_ns).await, ()) })
    }

    async fn run(&self, plan: &Plan, http1: Option<Tls>, http2: Option<Tls>, begin_ns: u64) -> Attacked {
        tokio::time::sleep(Duration::from_nanos(begin_ns.saturating_sub(plan.clock.now_ns()))).await;
        let mut tasks = JoinSet::new();
        let mut scores = Vec::new();
        for kind in &self.kinds {
            let (score, pace) = (Score::default(), Pace::new(self.per_s));
            for number in 0..self.tasks(*kind) {
                let tls = if *kind == Kind::Http2 { &http2 } else { &http1 };
                let target = plan.target(number % plan.terms.nodes).clone();
                let door = Door::new(target, tls.clone(), number % self.addresses);
                let attacker = Attacker { door, pace: pace.clone(), score: score.clone() };
                spawn(&mut tasks, *kind, attacker, plan);
            }
            scores.push((*kind, score));
        }
        tokio::time::sleep(self.time).await;
        let ended_ns = plan.clock.now_ns();
        // Before the sockets are closed here, which is no refusal.
        let tallies = scores.iter().map(|(kind, score)| (*kind, score.tally())).collect();
        tasks.shutdown().await;
        Attacked { tallies, ended_ns }
    }
}

fn spawn(tasks: &mut JoinSet<()>, kind: Kind, attacker: Attacker, plan: &Plan) {
    let (authority, dialect) = (attacker.door.authority(), &plan.dialect);
    let stream = Rc::new(dialect.without_token(authority, HONEST));
    match kind {
        Kind::Sockets => tasks.spawn_local(attacker.hold_socket()),
        Kind::Streams => tasks.spawn_local(attacker.drop_streams(stream)),
        Kind::Requests => {
            let probes = Rc::new(dialect.probes(authority, HONEST, ELSEWHERE));
            tasks.spawn_local(attacker.flood(probes))
        }
        Kind::Bodies => {
            let mut request = Vec::new();
            dialect.wrong_publish(authority, ELSEWHERE, &[b'x'; BODY_BYTES], &mut request);
            tasks.spawn_local(attacker.drip(Rc::new(request)))
        }
        Kind::Http2 => tasks.spawn_local(attacker.multiplex(stream)),
    };
}
