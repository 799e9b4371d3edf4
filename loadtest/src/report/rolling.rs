//! The report on nodes that were replaced: how each ended and came back, when the streams came back, and which publishes
//! had to be sent again.
//!
//! Only arithmetic and words. The nodes themselves are in `site`.

use serde_json::{Value, json};

use crate::report::Report;
use crate::report::findings::Findings;
use crate::scenario::rolling::Rolling;
use crate::site::node::{Replaced, Way};

pub(crate) fn say_rolling(report: &mut Report, rolling: &Rolling, findings: &Findings<'_>) {
    let way = if rolling.way == Way::Upgrade { "upgrade" } else { "restart" };
    report.figure("way", way);
    for (number, (replaced, ..)) in (1..).zip(&rolling.replaced) {
        let Replaced { drain, start, status, .. } = replaced;
        let (drain_s, start_s) = (drain.as_secs_f64(), start.as_secs_f64());
        let again = if rolling.way == Way::Upgrade { String::new() } else { format!(", ready {start_s:.2} s later") };
        report.row(&format!("node {number}"), format!("{way}: ended after {drain_s:.2} s ({status}){again}"));
        if !status.success() {
            report.fault(format!("node {number} did not end in order: {status}; {}", replaced.last_words));
        }
    }
    let seconds = |time: fn(&Replaced) -> f64| -> Value {
        rolling.replaced.iter().map(|(replaced, ..)| time(replaced)).collect::<Vec<f64>>().into()
    };
    report.figure("drain_s", seconds(|replaced| replaced.drain.as_secs_f64()));
    report.figure("start_s", seconds(|replaced| replaced.start.as_secs_f64()));
    if rolling.replaced.len() < rolling.nodes() {
        let replaced = rolling.replaced.len();
        report.fault(format!("only {replaced} of {} nodes were replaced in time", rolling.nodes()));
    }
    say_returns(report, rolling, findings);
    let repeated = findings.published.repeated;
    let first =
        findings.published.repeated_first.as_ref().map_or(String::new(), |first| format!("; the first: {first}"));
    report.row("publishes", format!("{repeated} sent again{first}"));
    report.figure("publishes_repeated", repeated);
}

fn say_returns(report: &mut Report, rolling: &Rolling, findings: &Findings<'_>) {
    let connections = findings.plan.connections();
    let share = |returns: u32| 100.0 * f64::from(returns) / f64::from(connections);
    let returns: Vec<_> = findings.sums.iter().map(|sum| &sum.returns).collect();
    let most = returns.iter().map(|returns| returns.most_in_a_second()).max().unwrap_or(0);
    let total: u32 = returns.iter().map(|returns| returns.total()).sum();
    let mut each = Vec::new();
    for (node, (_, from_ns, _)) in rolling.replaced.iter().enumerate() {
        let to_ns = rolling.replaced.get(node + 1).map_or(u64::MAX, |next| next.1);
        let mut seconds = returns.first().map_or(Vec::new(), |returns| returns.each_second(*from_ns, to_ns));
        while seconds.last() == Some(&0) {
            seconds.pop();
        }
        let text: Vec<String> = seconds.iter().map(u32::to_string).collect();
        report.row(&format!("back, node {}", node + 1), format!("{} in each second", text.join(" ")));
        each.push(json!(seconds));
    }
    report.row(
        "came back",
        format!("{total} times, at most {most} within a second ({:.1} % of the streams)", share(most)),
    );
    report.figure("returns", total);
    report.figure("returns_most_in_a_second", most);
    report.figure("returns_each_second", each);
    if total == 0 {
        report.fault("no stream came back: the nodes had none, and nothing was shown".to_owned());
    }
    if most > rolling.returns_max {
        let (max, percent) = (rolling.returns_max, share(most));
        report.fault(format!("{most} streams came back within one second ({percent:.1} %); {max} are allowed"));
    }
}
