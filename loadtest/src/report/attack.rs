//! The report on an attack: what the attacker tried, was given and was refused, and what it cost the server.
//!
//! Only arithmetic and words. The attack itself is in `attack`.

use serde_json::{Map, Value, json};

use crate::attack::Attacked;
use crate::attack::tally::Tally;
use crate::report::Report;

/// `server_cores`: what the server used before and meanwhile, if its process is known.
pub(crate) fn say_attack(report: &mut Report, attacked: &Attacked, server_cores: Option<[f64; 2]>) {
    let mut kinds = Map::new();
    for (kind, tally) in &attacked.tallies {
        report.row(&format!("attack, {}", kind.name()), words(tally));
        let statuses: Map<String, Value> =
            tally.statuses.iter().map(|(status, count)| (status.to_string(), (*count).into())).collect();
        let Tally { attempts, closed, unreached, open_max, .. } = tally;
        kinds.insert(
            kind.name().to_owned(),
            json!({
                "attempts": attempts, "statuses": statuses, "closed": closed, "unreached": unreached,
                "open_max": open_max, "refused": tally.refused(),
            }),
        );
    }
    report.figure("attack", kinds);
    let sum = |count: fn(&Tally) -> u64| attacked.tallies.iter().map(|(_, tally)| count(tally)).sum::<u64>();
    let (attempts, refused) = (sum(|tally| tally.attempts), sum(Tally::refused));
    report.row("attack, in all", format!("{attempts} attempts, {refused} refusals"));
    report.figure("attack_attempts", attempts);
    report.figure("attack_refused", refused);
    let [before, meanwhile] = server_cores.map_or([None; 2], |cores| cores.map(Some));
    if let Some((before, meanwhile)) = before.zip(meanwhile) {
        report.row("server", format!("{before:.2} cores before, {meanwhile:.2} meanwhile"));
    }
    report.figure("calm_server_cores", before);
    report.figure("attack_server_cores", meanwhile);
}

fn words(tally: &Tally) -> String {
    let Tally { attempts, statuses, closed, unreached, open_max, .. } = tally;
    let answers: String = statuses.iter().map(|(status, count)| format!(", {status}: {count}")).collect();
    format!("{attempts} attempts{answers}, closed {closed}, not reached {unreached}, at most {open_max} open at once")
}
