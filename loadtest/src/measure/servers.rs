//! The processes of the target, weighed as one: a server, the nodes of a hub, or other processes that they need.

use crate::failure::Failure;
use crate::measure::process::{CpuTime, Memory, Process};

/// The processes, at least one.
#[derive(Debug, Clone)]
pub(crate) struct Servers(Vec<Process>);

/// Their processor times at one moment.
#[derive(Debug, Clone)]
pub(crate) struct CpuTimes(Vec<CpuTime>);

impl Servers {
    /// The servers of these processes, or `None` if the processes are not known.
    pub(crate) fn new(pids: &[u32]) -> Option<Self> {
        (!pids.is_empty()).then(|| Self(pids.iter().copied().map(Process::new).collect()))
    }

    pub(crate) fn memory(&self) -> Result<Memory, Failure> {
        let none = Memory { pss_bytes: 0, rss_bytes: 0 };
        self.0.iter().try_fold(none, |sum, process| Ok(sum.plus(process.memory()?)))
    }

    /// The processor time that each has used up to now.
    pub(crate) fn cpu_time(&self) -> Result<CpuTimes, Failure> {
        self.0.iter().map(|process| process.cpu_time()).collect::<Result<_, _>>().map(CpuTimes)
    }
}

impl CpuTimes {
    /// Microseconds that all have used since `before`.
    pub(crate) fn since(&self, before: &Self) -> u64 {
        self.0.iter().zip(&before.0).map(|(now, before)| now.since(before)).sum()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn several_processes_weigh_as_much_as_each_of_them_together() {
        let own = std::process::id();
        let weigh = |pids: &[u32]| Servers::new(pids).unwrap().memory().unwrap().rss_bytes as f64;
        assert!((weigh(&[own, own]) / weigh(&[own]) - 2.0).abs() < 0.5);
        assert!(Servers::new(&[]).is_none());
    }
}
