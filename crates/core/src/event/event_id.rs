//! [`EventId`]: the position of an event in the order of its hub, and the cursor of a client. The text form is that of a Redis
//! stream id.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// The position of an event. Ids of one hub only rise, even when its clock steps back.
///
/// Text form `<ms>-<n>`: Unix milliseconds, then a count within the millisecond, e.g. `1767225600000-0`.
///
/// ```
/// use fanfare_core::EventId;
///
/// let id = EventId::new(1_767_225_600_000, 3);
/// assert_eq!(id.to_string(), "1767225600000-3");
/// assert_eq!("1767225600000-3".parse(), Ok(id));
/// assert_eq!(id.next(id.ms()), EventId::new(id.ms(), 4));
/// assert!(id.next(0) > id, "also if the clock has stepped back");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    ms: u64,
    n: u64,
}

/// The text is not `<digits>-<digits>` within 64 bits each.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("an event id has the form <ms>-<n>")]
pub struct EventIdError;

impl EventId {
    /// An id below that of every event.
    pub const ZERO: Self = Self { ms: 0, n: 0 };

    /// The length in bytes of the longest text form.
    pub const TEXT_MAX: usize = 20 + 1 + 20;

    /// The id with number `n` within the Unix millisecond `ms`.
    pub const fn new(ms: u64, n: u64) -> Self {
        Self { ms, n }
    }

    /// The time of the event (Unix milliseconds). If the clock has stepped back, the highest time that it had shown.
    pub const fn ms(self) -> u64 {
        self.ms
    }

    /// The count within the millisecond.
    pub const fn n(self) -> u64 {
        self.n
    }

    /// The next id at `now_ms`. Always above this one, even when the clock has stepped back.
    #[must_use]
    pub const fn next(self, now_ms: u64) -> Self {
        if now_ms > self.ms {
            return Self { ms: now_ms, n: 0 };
        }
        match self.n.checked_add(1) {
            Some(n) => Self { ms: self.ms, n },
            // No id follows the highest one. The clock reaches it in 500 million years.
            None => Self { ms: self.ms.saturating_add(1), n: 0 },
        }
    }

    /// The id just below this one. As a cursor (exclusive) it lets this id through.
    #[must_use]
    pub const fn before(self) -> Self {
        match self.n.checked_sub(1) {
            Some(n) => Self { ms: self.ms, n },
            None => Self { ms: self.ms.saturating_sub(1), n: if self.ms == 0 { 0 } else { u64::MAX } },
        }
    }

    /// The position that a client's cursor of the form digits-digits means, even if no hub has given it. A number above 64 bits
    /// counts as the highest one.
    ///
    /// ```
    /// use fanfare_core::EventId;
    ///
    /// assert_eq!(EventId::position("1700000000000-3"), Some(EventId::new(1_700_000_000_000, 3)));
    /// assert_eq!(EventId::position("order 7"), None);
    /// ```
    pub fn position(text: &str) -> Option<Self> {
        let number = |digits: &str| digits.parse().unwrap_or(u64::MAX);
        let (ms, n) = text.split_once('-').filter(|_| Self::looks_like(text))?;
        Some(Self { ms: number(ms), n: number(n) })
    }

    /// Whether `text` has the form of an event id: digits-digits, of any length. A publisher's own id must not have it.
    pub fn looks_like(text: &str) -> bool {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        text.split_once('-').is_some_and(|(ms, n)| digits(ms) && digits(n))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.n)
    }
}

impl FromStr for EventId {
    type Err = EventIdError;

    fn from_str(text: &str) -> Result<Self, EventIdError> {
        if !Self::looks_like(text) {
            return Err(EventIdError);
        }
        let (ms, n) = text.split_once('-').ok_or(EventIdError)?;
        Ok(Self { ms: ms.parse().map_err(|_| EventIdError)?, n: n.parse().map_err(|_| EventIdError)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_id_is_above_even_when_the_clock_steps_back() {
        let id = EventId::new(1_000, 0);
        assert_eq!(id.next(1_001), EventId::new(1_001, 0));
        assert_eq!(id.next(1_000), EventId::new(1_000, 1));
        assert_eq!(id.next(3), EventId::new(1_000, 1));
        assert_eq!(EventId::new(5, u64::MAX).next(0), EventId::new(6, 0));
    }

    #[test]
    fn text_form_round_trips_and_nothing_else_parses() {
        let id = EventId::new(1_767_225_600_000, 7);
        assert_eq!(id.to_string(), "1767225600000-7");
        assert_eq!("1767225600000-7".parse(), Ok(id));
        let longest = EventId::new(u64::MAX, u64::MAX).to_string();
        assert_eq!(longest.len(), EventId::TEXT_MAX);
        for bad in ["", "-", "1", "1-", "-1", "+1-1", "1-+1", "1-1-1", " 1-1", "18446744073709551616-0", "x-1"] {
            assert_eq!(bad.parse::<EventId>(), Err(EventIdError), "{bad}");
        }
        assert!(EventId::looks_like("99999999999999999999999-0"));
        assert_eq!(EventId::position("99999999999999999999999-7"), Some(EventId::new(u64::MAX, 7)));
        assert_eq!(EventId::position("x-7"), None);
    }
}
