//! The data of a published event: its run, its number, the time when it was due, and padding up to the wanted size.
//!
//! Written by the publisher and read back at the other end, so a delivery needs no table. Never allocates to read.

use std::io::Write;

/// The smallest data that holds any stamp: the longest opening below and an empty pad.
pub(crate) const DATA_BYTES_MIN: usize = 80;
/// A stamp is within this many bytes from the start of the data.
pub(crate) const STAMP_BYTES_MAX: usize = 80;

const PAD: &[u8] = b"\"pad\":\"";
const END: &[u8] = b"\"}";

/// The stamp that an event carries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stamp {
    /// Tells the events of this run from other events on the channel.
    pub(crate) run: u32,
    /// The series that it belongs to: the events of one publisher to one channel, in order.
    pub(crate) series: u32,
    /// Its place in the series, from 0.
    pub(crate) number: u32,
    /// When it should have been sent, by the run's clock, not when it was sent.
    pub(crate) due_ns: u64,
}

impl Stamp {
    /// Writes the data, `size_bytes` long, over the old content of `data`.
    pub(crate) fn write(self, size_bytes: usize, data: &mut Vec<u8>) {
        data.clear();
        let Self { run, series, number, due_ns } = self;
        write!(data, "{{\"r\":{run},\"s\":{series},\"n\":{number},\"t\":{due_ns},")
            .expect("writing to a Vec cannot fail");
        data.extend_from_slice(PAD);
        data.resize(size_bytes.saturating_sub(END.len()).max(data.len()), b'x');
        data.extend_from_slice(END);
    }

    /// Reads it back from the first bytes of an event's data. `None`: that was not published by this program.
    pub(crate) fn read(data: &[u8]) -> Option<Self> {
        let (run, rest) = number(data.strip_prefix(b"{\"r\":")?)?;
        let (series, rest) = number(rest.strip_prefix(b",\"s\":")?)?;
        let (number_in_series, rest) = number(rest.strip_prefix(b",\"n\":")?)?;
        let (due_ns, rest) = number(rest.strip_prefix(b",\"t\":")?)?;
        rest.starts_with(b",").then_some(())?;
        let [run, series, number] = [run, series, number_in_series].map(u32::try_from);
        Some(Self { run: run.ok()?, series: series.ok()?, number: number.ok()?, due_ns })
    }
}

/// A decimal number at the start, and the rest behind it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    let mut digits = 0;
    while let Some(digit) = bytes.get(digits).filter(|byte| byte.is_ascii_digit()) {
        value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
        digits += 1;
    }
    (digits > 0).then(|| (value, &bytes[digits..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_from_the_first_bytes() {
        // The due time is below 48 hours: 15 digits.
        for stamp in [
            Stamp { run: 0, series: 0, number: 0, due_ns: 0 },
            Stamp { run: u32::MAX, series: u32::MAX, number: u32::MAX, due_ns: 999_999_999_999_999 },
        ] {
            for size_bytes in [DATA_BYTES_MIN, DATA_BYTES_MIN + 1, 4096] {
                let mut data = vec![7; 10];
                stamp.write(size_bytes, &mut data);
                assert_eq!(data.len(), size_bytes);
                assert_eq!(Stamp::read(&data[..STAMP_BYTES_MAX]), Some(stamp));
                let json: serde_json::Value = serde_json::from_slice(&data).unwrap();
                assert_eq!(json["n"], stamp.number);
            }
        }
    }

    #[test]
    fn data_of_somebody_else_is_no_stamp() {
        for other in [
            "",
            "hello",
            "{\"r\":1,\"s\":1,\"n\":2,\"t\":3",
            "{\"r\":1,\"s\":1,\"n\":,\"t\":3,",
            "{\"r\":4294967296,\"s\":1,\"n\":1,\"t\":1,",
        ] {
            assert_eq!(Stamp::read(other.as_bytes()), None, "{other}");
        }
        assert_eq!(Stamp::read(b"{\"r\":1,\"s\":0,\"n\":2,\"t\":99999999999999999999,"), None);
    }
}
