//! [`Boot`]: one run of the machine. A killed program leaves its writes in the memory of the kernel; a stopped machine
//! does not.

use std::fs;

/// One run of the machine, to be compared with [`Boot::is_same`]. An unknown run equals no other, not even itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Boot([u8; 16]);

impl Boot {
    /// A run that nobody knows.
    pub(crate) const UNKNOWN: Self = Self([0; 16]);

    /// The current run of the machine; unknown if the kernel does not tell.
    pub(crate) fn now() -> Self {
        let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let digits: String = text.trim().chars().filter(|character| *character != '-').collect();
        Self(u128::from_str_radix(&digits, 16).unwrap_or_default().to_be_bytes())
    }

    /// The run with these bytes as its name. Zeros are an unknown run.
    pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(crate) fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    pub(crate) fn is_known(self) -> bool {
        self.0 != Self::UNKNOWN.0
    }

    /// Whether the machine has surely not stopped between the two.
    pub(crate) fn is_same(self, other: Self) -> bool {
        self.0 == other.0 && self.is_known()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_boot_is_never_the_same() {
        let known = Boot::from_bytes([1; 16]);
        assert!(known.is_same(known));
        assert!(!known.is_same(Boot::from_bytes([2; 16])));
        let unknown = Boot::from_bytes([0; 16]);
        assert!(!unknown.is_same(unknown));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn linux_tells_its_boot() {
        assert!(Boot::now().is_same(Boot::now()));
    }
}
