//! The cost of a run for the server: its processor time, by delivery or by publish, and its memory.

use crate::measure::process::Memory;
use crate::report::Report;

/// The use of the server, or of all nodes together: before the streams, with them open and idle, and after the
/// broadcasts.
#[derive(Debug)]
pub(crate) struct Usage {
    pub(crate) memory_before: Memory,
    pub(crate) memory_open: Memory,
    pub(crate) memory_after: Memory,
    pub(crate) cpu_us: u64,
}

/// `left_out`: a remark on events that are not among the deliveries.
pub(crate) fn say_usage(
    report: &mut Report,
    usage: &Usage,
    deliveries: u64,
    published: u32,
    connections: u32,
    left_out: &str,
) {
    let share_us = |count: u64| (count > 0).then(|| usage.cpu_us as f64 / count as f64);
    let (per_delivery_us, per_publish_us) = (share_us(deliveries), share_us(u64::from(published)));
    // Without streams the publishes are all that there was to do.
    let (cpu_us, per) = if connections > 0 { (per_delivery_us, "delivery") } else { (per_publish_us, "publish") };
    let text = cpu_us.map_or("none".to_owned(), |cpu_us| format!("{cpu_us:.3} us per {per}"));
    report.row("server CPU", format!("{text}{left_out} ({} ms in all)", usage.cpu_us / 1000));
    report.figure("cpu_us", usage.cpu_us);
    report.figure("cpu_per_delivery_us", per_delivery_us);
    report.figure("cpu_per_publish_us", per_publish_us);
    if connections == 0 {
        let pss_bytes = usage.memory_after.pss_bytes;
        report.row("server PSS", format!("{:.1} MiB", pss_bytes as f64 / f64::from(1 << 20)));
        report.figure("after_pss_bytes", pss_bytes);
        return;
    }
    let moments = [("open", usage.memory_open), ("after", usage.memory_after)];
    let mut texts = Vec::new();
    for (name, memory) in moments {
        let (pss_bytes, rss_bytes) = memory.growth_since(usage.memory_before, connections);
        texts.push(format!("{name} {pss_bytes:.0} B"));
        report.figure(&format!("{name}_pss_per_connection_bytes"), pss_bytes);
        report.figure(&format!("{name}_rss_per_connection_bytes"), rss_bytes);
        report.figure(&format!("{name}_pss_bytes"), memory.pss_bytes);
    }
    report.row("server PSS", format!("{} per connection", texts.join(", ")));
}
