//! `fanfare serve --redis`: several nodes that share one Redis Stream, with real Redis servers between which and the
//! nodes anything may break. Each test has a Redis of its own. `CRASH_SEED` repeats the choices of the run with kills.

mod bad_input;
mod ends;
mod faults;
mod fleet;
mod idempotency;
mod ingest;
mod losses;
mod node;
mod nodes;
mod own_ids;
mod refusals;
mod replicas;
mod rights;
mod settings;
mod snapshots;
mod start;
mod topologies;
mod traffic;
mod watch;

#[path = "../crash/checker.rs"]
#[allow(dead_code, reason = "made for a history that is short as well")]
mod checker;
#[path = "../crash/ledger.rs"]
#[allow(dead_code, reason = "made for a history that is short as well")]
mod ledger;
#[path = "../crash/publisher.rs"]
#[allow(dead_code, reason = "the traffic here takes some of its kinds")]
mod publisher;
#[path = "../../../redis/tests/support/mod.rs"]
mod rig;
#[path = "../crash/seed.rs"]
mod seed;
#[path = "../crash/site.rs"]
#[allow(dead_code, reason = "what was refused is not waited for here")]
mod site;
#[path = "../crash/subscriber.rs"]
#[allow(dead_code, reason = "the traffic here takes some of its habits")]
mod subscriber;
#[path = "../support/mod.rs"]
mod support;
