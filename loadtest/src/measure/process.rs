//! The use of the server's process, as the kernel counts it: CPU time and memory, from `/proc/PID`.
//!
//! Only reads. Needs to be allowed to: the same user, or root.

use std::collections::BTreeMap;

use crate::failure::Failure;

/// A process that is weighed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    pid: u32,
}

/// Its memory at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Memory {
    /// Resident, where a page that is shared by n processes counts for 1/n.
    pub(crate) pss_bytes: u64,
    pub(crate) rss_bytes: u64,
}

/// Its processor time at one moment, as the kernel counts it in two ways.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct CpuTime {
    /// Time of all threads that it ever had, to the kernel's tick, usually 10 ms.
    ticks_us: u64,
    /// Time by thread, to the nanosecond (`schedstat`), without threads that have ended.
    threads_ns: BTreeMap<u32, u64>,
}

impl CpuTime {
    /// Microseconds used since `before`. The figure is exact if the same threads were there at both moments. The time
    /// of a thread that came or went in between is only in the ticks.
    pub(crate) fn since(&self, before: &Self) -> u64 {
        let total_ns = |time: &Self| time.threads_ns.values().sum::<u64>();
        if total_ns(self) > 0 && self.threads_ns.keys().eq(before.threads_ns.keys()) {
            total_ns(self).saturating_sub(total_ns(before)) / 1000
        } else {
            self.ticks_us.saturating_sub(before.ticks_us)
        }
    }
}

impl Memory {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self { pss_bytes: self.pss_bytes + other.pss_bytes, rss_bytes: self.rss_bytes + other.rss_bytes }
    }

    /// PSS and RSS, in bytes per connection. Below zero if the process gave memory back.
    pub(crate) fn growth_since(self, before: Self, connections: u32) -> (f64, f64) {
        let grown = |before: u64, after: u64| (after as f64 - before as f64) / f64::from(connections);
        (grown(before.pss_bytes, self.pss_bytes), grown(before.rss_bytes, self.rss_bytes))
    }
}

impl Process {
    pub(crate) fn new(pid: u32) -> Self {
        Self { pid }
    }

    pub(crate) fn memory(self) -> Result<Memory, Failure> {
        self.read("smaps_rollup", parse_memory)
    }

    /// The processor time that it has used up to now.
    pub(crate) fn cpu_time(self) -> Result<CpuTime, Failure> {
        let ticks = self.read("stat", parse_ticks)?;
        let ticks_us = ticks * 1_000_000 / rustix::param::clock_ticks_per_second().max(1);
        Ok(CpuTime { ticks_us, threads_ns: self.threads_ns().unwrap_or_default() })
    }

    /// `None`: the kernel does not say, or a thread has ended meanwhile.
    fn threads_ns(self) -> Option<BTreeMap<u32, u64>> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid)).ok()?;
        let times = tasks.map(|task| {
            let task = task.ok()?;
            let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            Some((task.file_name().to_str()?.parse().ok()?, text.split(' ').next()?.parse().ok()?))
        });
        times.collect()
    }

    fn read<T>(self, file: &str, parse: fn(&str) -> Option<T>) -> Result<T, Failure> {
        let path = format!("/proc/{}/{file}", self.pid);
        let unlike = || std::io::Error::other("not in the form that was expected");
        let parsed = std::fs::read_to_string(&path).and_then(|text| parse(&text).ok_or_else(unlike));
        parsed.map_err(|cause| Failure::Weigh { pid: self.pid, path, cause })
    }
}

/// The processor time that everything on this machine has used, in nanoseconds. `None`: the kernel does not say.
pub(crate) fn machine_cpu_ns() -> Option<u64> {
    let ticks = parse_machine_ticks(&std::fs::read_to_string("/proc/stat").ok()?)?;
    Some(ticks * 1_000_000_000 / rustix::param::clock_ticks_per_second().max(1))
}

/// Fields: user, nice, system, idle, iowait, irq, softirq, steal. Later fields are in the first two already.
fn parse_machine_ticks(stat: &str) -> Option<u64> {
    let ticks: Option<Vec<u64>> =
        stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().map(|field| field.parse().ok()).collect();
    let ticks = ticks.filter(|ticks| ticks.len() >= 8)?;
    Some(ticks[..3].iter().chain(&ticks[5..8]).sum())
}

fn parse_memory(rollup: &str) -> Option<Memory> {
    let field = |name: &str| -> Option<u64> {
        let line = rollup.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
    };
    Some(Memory { pss_bytes: field("Pss:")?, rss_bytes: field("Rss:")? })
}

fn parse_ticks(stat: &str) -> Option<u64> {
    // The name, in parentheses, may hold spaces and parentheses itself. The state, field 3, follows the last one.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(14 - 3);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(ticks()? + ticks()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_whatever_the_name_is() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194560 100 0 0 0 700 55 3 4 20 0 1 0 100 200 300";
        assert_eq!(parse_ticks(stat), Some(755));
        assert_eq!(parse_ticks("42 (a) S 1"), None);
    }

    #[test]
    fn the_fine_count_holds_only_for_the_same_threads() {
        let time =
            |ticks_us, threads: &[(u32, u64)]| CpuTime { ticks_us, threads_ns: threads.iter().copied().collect() };
        let before = time(10_000, &[(1, 5_000), (2, 7_000)]);
        assert_eq!(time(20_000, &[(1, 6_000), (2, 10_000)]).since(&before), 4);
        assert_eq!(time(30_000, &[(1, 6_000)]).since(&before), 20_000, "one has ended");
        assert_eq!(time(30_000, &[(1, 6_000), (3, 90_000)]).since(&before), 20_000, "one was replaced");
        assert_eq!(time(30_000, &[]).since(&time(10_000, &[])), 20_000, "the kernel does not say");
    }

    #[test]
    fn the_machine_is_busy_when_it_is_not_idle() {
        assert_eq!(parse_machine_ticks("cpu  1 2 4 1000 1000 8 16 32 1 2\ncpu0 1 1 1 1 1 1 1 1 1 1\n"), Some(63));
        assert_eq!(parse_machine_ticks("cpu  1 2 4"), None);
    }

    #[test]
    fn the_rollup_is_read_in_bytes() {
        let rollup = "00400000-7fff r--p 0 00:00 0 [rollup]\nRss:    2048 kB\nPss:    1024 kB\nPss_Anon:   7 kB\n";
        assert_eq!(parse_memory(rollup), Some(Memory { pss_bytes: 1 << 20, rss_bytes: 2 << 20 }));
        assert_eq!(parse_memory("Rss: 1 kB\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_can_be_weighed() {
        let process = Process::new(std::process::id());
        assert!(process.memory().unwrap().rss_bytes > 0);
        process.cpu_time().unwrap();
    }
}
