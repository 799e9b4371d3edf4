//! The order of events across publishers, by their ids: on each connection ids of the form `<digits>-<digits>` never
//! fall.
//!
//! Sequence numbers say the order only within one publisher's events. Ids of another form say nothing here.

/// An id of that form.
type Id = (u64, u64);

/// The highest id of each connection.
#[derive(Debug, Default)]
pub(crate) struct Ids(Vec<Option<Id>>);

impl Ids {
    /// False: a connection has received this id after a higher one. The same again is no fault of the order: a server may
    /// give all events one id, and a second copy is known by its sequence number.
    pub(crate) fn take(&mut self, place: usize, id: &[u8]) -> bool {
        let Some(id) = parse(id) else { return true };
        if self.0.len() <= place {
            self.0.resize(place + 1, None);
        }
        let highest = &mut self.0[place];
        let is_in_order = highest.is_none_or(|highest| id >= highest);
        *highest = (*highest).max(Some(id));
        is_in_order
    }

    /// The connection begins anew.
    pub(crate) fn forget(&mut self, place: usize) {
        self.0.get_mut(place).into_iter().for_each(|highest| *highest = None);
    }
}

fn parse(id: &[u8]) -> Option<Id> {
    let dash = id.iter().position(|byte| *byte == b'-')?;
    Some((number(&id[..dash])?, number(&id[dash + 1..])?))
}

/// Digits and nothing else. By hand, because this runs once per delivery.
fn number(digits: &[u8]) -> Option<u64> {
    // 19 digits always fit.
    (1..=19).contains(&digits.len()).then_some(())?;
    digits.iter().try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_do_not_fall_on_each_connection_by_itself() {
        let mut ids = Ids::default();
        let mut take = |place: usize, id: &str| ids.take(place, id.as_bytes());
        assert!(take(0, "9-5") && take(1, "9-4") && take(0, "10-0") && take(1, "9-5"));
        assert!(!take(0, "9-6") && take(0, "10-0") && take(0, "10-1"));
        for other in ["", "7", "a-1", "+1-1", "1-", "-1", "1-2-3", "1-99999999999999999999"] {
            assert!(take(0, other), "{other}");
        }
        ids.forget(0);
        assert!(ids.take(0, b"1-0"));
    }
}
