//! [`Most`] and [`Pace`]: the values of limits that may be off. A number, or a rate with what may come at once.

use std::num::{NonZeroU32, NonZeroU64};

use fanfare_callers::Rate;

use super::value::size;

/// The word for no limit.
const OFF: &str = "off";

/// A number at most. `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Most(pub(super) Option<NonZeroU32>);

/// A rate at most. `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace(pub(super) Option<Rate>);

/// Parses `1000` or `off`.
pub(super) fn most(text: &str) -> Result<Most, String> {
    if text == OFF {
        return Ok(Most(None));
    }
    let number = text.parse().map_err(|_| format!("write a number from 1 to {}, or off for no limit", u32::MAX));
    number.map(|number| Most(Some(number)))
}

/// Parses `1000`, `1000/2000` or `off`. Without a second number twice as many may come at once.
pub(super) fn pace(text: &str) -> Result<Pace, String> {
    rate(text, |number| number.parse().ok()).ok_or_else(|| {
        "not a rate; write as many as may come in a second, as in 1000, with a slash and as many as may come at once \
         behind it, as in 1000/2000, or off for no limit"
            .to_owned()
    })
}

/// Parses `16MiB`, `16MiB/64MiB` or `off`.
pub(super) fn byte_pace(text: &str) -> Result<Pace, String> {
    let bytes = |text: &str| NonZeroU64::new(size(1, usize::MAX)(text).ok()? as u64);
    rate(text, bytes).ok_or_else(|| {
        "not a rate; write the bytes of a second, as in 16MiB, with a slash and those that may come at once behind it, as in \
         16MiB/64MiB, or off for no limit"
            .to_owned()
    })
}

fn rate(text: &str, number: impl Fn(&str) -> Option<NonZeroU64>) -> Option<Pace> {
    if text == OFF {
        return Some(Pace(None));
    }
    let rate = match text.split_once('/') {
        Some((per_second, burst)) => Rate::per_second(number(per_second)?).with_burst(number(burst)?),
        None => Rate::per_second(number(text)?),
    };
    Some(Pace(Some(rate)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(pace: Result<Pace, String>) -> Option<(u64, u64)> {
        pace.unwrap().0.map(|Rate { per_second, burst }| (per_second.get(), burst.get()))
    }

    #[test]
    fn a_number_is_one_or_more_or_off() {
        assert_eq!(most("1"), Ok(Most(NonZeroU32::new(1))));
        assert_eq!(most("4294967295"), Ok(Most(NonZeroU32::new(u32::MAX))));
        assert_eq!(most("off"), Ok(Most(None)));
        for bad in ["", "0", "-1", "4294967296", "1.5", "OFF", "none"] {
            assert!(most(bad).unwrap_err().contains("off for no limit"), "{bad}");
        }
    }

    #[test]
    fn a_rate_lets_twice_as_many_come_at_once_unless_it_says_otherwise() {
        assert_eq!(numbers(pace("1000")), Some((1_000, 2_000)));
        assert_eq!(numbers(pace("1000/1")), Some((1_000, 1)));
        assert_eq!(numbers(pace("off")), None);
        assert_eq!(numbers(byte_pace("16MiB")), Some((16 << 20, 32 << 20)));
        assert_eq!(numbers(byte_pace("1/64KiB")), Some((1, 64 << 10)));
        assert_eq!(numbers(byte_pace("off")), None);
    }

    #[test]
    fn what_is_no_rate_is_told_the_forms() {
        for bad in ["", "0", "1/0", "0/1", "1/", "/1", "1/2/3", "-1", "1s", "off/1", "1/off"] {
            assert!(pace(bad).unwrap_err().contains("1000/2000"), "{bad}");
            assert!(byte_pace(bad).unwrap_err().contains("16MiB/64MiB"), "{bad}");
        }
    }
}
