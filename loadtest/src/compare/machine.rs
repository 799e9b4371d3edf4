//! The place and time of a comparison: facts without which no figure can be believed.

use std::time::SystemTime;

/// A load of the last minute above which another program must have been running.
const BUSY: f64 = 0.5;

/// The machine, as it describes itself. "unknown" where it does not.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Machine {
    /// UTC, when the comparison began.
    pub(crate) date: String,
    pub(crate) cpu: String,
    /// How many cores this program may use.
    pub(crate) cores: usize,
    pub(crate) memory: String,
    pub(crate) kernel: String,
    /// The load of the last 1, 5 and 15 minutes when the comparison began, from other programs.
    pub(crate) load_average: String,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let unknown = || "unknown".to_owned();
        let field = |file: &str, name: &str| {
            let text = std::fs::read_to_string(file).ok()?;
            let line = text.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let text = |file: &str| std::fs::read_to_string(file).map_or_else(|_| unknown(), |text| text.trim().to_owned());
        Self {
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: field("/proc/meminfo", "MemTotal").unwrap_or_else(unknown),
            kernel: text("/proc/sys/kernel/osrelease"),
            load_average: text("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" "),
        }
    }

    /// Whether something else was running in the minute before.
    pub(crate) fn is_busy(&self) -> bool {
        let last_minute = self.load_average.split(' ').next().and_then(|load| load.parse::<f64>().ok());
        last_minute.is_some_and(|load| load > BUSY)
    }
}
