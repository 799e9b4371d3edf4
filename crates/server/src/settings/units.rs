//! Units of sizes and times for the bounds of settings.

use std::time::Duration;

pub(super) const KIB: usize = 1 << 10;
pub(super) const MIB: usize = 1 << 20;
pub(super) const GIB: usize = 1 << 30;
pub(super) const MS: Duration = Duration::from_millis(1);
pub(super) const DAY: Duration = Duration::from_secs(86_400);
/// Longest time of any setting. The clocks can count that far.
pub(super) const YEAR: Duration = Duration::from_secs(365 * 86_400);
