//! Units of sizes and times, as the bounds of settings need them.

use std::time::Duration;

pub(super) const KIB: usize = 1 << 10;
pub(super) const MIB: usize = 1 << 20;
pub(super) const GIB: usize = 1 << 30;
pub(super) const MS: Duration = Duration::from_millis(1);
pub(super) const DAY: Duration = Duration::from_secs(86_400);
/// No setting means more than a year, and the clocks still count that far.
pub(super) const YEAR: Duration = Duration::from_secs(365 * 86_400);
