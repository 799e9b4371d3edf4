//! [`Boot`]: which run of the machine this is. A program that was killed leaves its writes in the kernel's memory; a
//! machine that stopped does not.

use std::fs;

/// One run of the machine. Compare with [`Boot::is_same`]: an unknown one is no other's equal, not even its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Boot([u8; 16]);

impl Boot {
    /// Nobody knows which.
    pub(crate) const UNKNOWN: Self = Self([0; 16]);

    /// This run of the machine; unknown where the kernel does not tell.
    pub(crate) fn now() -> Self {
        let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let digits: String = text.trim().chars().filter(|character| *character != '-').collect();
        Self(u128::from_str_radix(&digits, 16).unwrap_or_default().to_be_bytes())
    }

    /// The run with these bytes as its name; zeros are an unknown one.
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
