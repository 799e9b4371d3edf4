//! The metrics of the process, by the names that every program has for Prometheus. Linux tells them in `/proc`. Elsewhere there are none.

use crate::metrics::family::Family;

#[cfg(target_os = "linux")]
pub(crate) fn families() -> Vec<Family> {
    // What cannot be read is left out: a container may hide it.
    linux::families().unwrap_or_default()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn families() -> Vec<Family> {
    Vec::new()
}

#[cfg(target_os = "linux")]
mod linux {
    use procfs::{
        ProcResult, WithCurrentSystemInfo as _,
        process::{LimitValue, Process},
    };

    use crate::metrics::family::Family;

    pub(super) fn families() -> ProcResult<Vec<Family>> {
        let process = Process::myself()?;
        let stat = process.stat()?;
        let ticks_per_second = procfs::ticks_per_second();
        let mut families = vec![
            Family::counter("process_cpu", "Time of the processor that the process has used.")
                .seconds()
                .with(seconds(stat.utime + stat.stime, ticks_per_second)),
            Family::gauge("process_resident_memory", "Memory that the process has in use.")
                .bytes()
                .with(stat.rss_bytes().get()),
            Family::gauge("process_virtual_memory", "Memory that the process has reserved.").bytes().with(stat.vsize),
            Family::gauge("process_threads", "Threads of the process.")
                .with(u64::try_from(stat.num_threads).unwrap_or(0)),
            Family::gauge("process_open_fds", "Open descriptors.").with(process.fd_count()?),
        ];
        if let LimitValue::Value(max) = process.limits()?.max_open_files.soft_limit {
            families.push(Family::gauge("process_max_fds", "The most descriptors that may be open.").with(max));
        }
        // The time of the start of the machine, in whole seconds, and the ticks that came after it.
        let booted = seconds(procfs::boot_time_secs()?, 1);
        let start = booted + seconds(stat.starttime, ticks_per_second);
        families
            .push(Family::gauge("process_start_time", "The start of the process in Unix time.").seconds().with(start));
        Ok(families)
    }

    #[expect(clippy::cast_precision_loss, reason = "centuries of ticks have less than 53 bits")]
    fn seconds(ticks: u64, ticks_per_second: u64) -> f64 {
        ticks as f64 / ticks_per_second as f64
    }
}
