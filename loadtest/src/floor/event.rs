//! An event of the floor, encoded once for all subscribers: the same bytes per delivery as Fanfare writes
//! (one chunk with an `id:` line of the form `<ms>-<n>`, the data, and a blank line).

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// Gives out ids that only rise.
#[derive(Debug, Default)]
pub(super) struct Ids {
    ms: u128,
    number: u32,
}

impl Ids {
    fn advance(&mut self, now_ms: u128) {
        (self.ms, self.number) = if now_ms > self.ms { (now_ms, 0) } else { (self.ms, self.number + 1) };
    }

    /// Encodes `data`, which has no line break, as one chunk over the old content of `chunk`.
    pub(super) fn encode(&mut self, data: &[u8], chunk: &mut Vec<u8>) {
        self.advance(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis());
        let id_line = format!("id: {}-{}\n", self.ms, self.number);
        let sse_bytes = id_line.len() + "data: ".len() + data.len() + "\n\n".len();
        chunk.clear();
        write!(chunk, "{sse_bytes:x}\r\n{id_line}data: ").expect("writing to a Vec cannot fail");
        chunk.extend_from_slice(data);
        chunk.extend_from_slice(b"\n\n\r\n");
    }
}

/// The event in a chunk, without the chunk around it.
pub(super) fn content(chunk: &[u8]) -> &[u8] {
    let start = chunk.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    &chunk[start..chunk.len().saturating_sub("\r\n".len()).max(start)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_chunk_with_an_id_and_its_data() {
        let (mut ids, mut chunk) = (Ids { ms: u128::from(u64::MAX), number: 7 }, b"old".to_vec());
        ids.encode(b"hello", &mut chunk);
        assert_eq!(chunk, b"28\r\nid: 18446744073709551615-8\ndata: hello\n\n\r\n");
        assert_eq!(content(&chunk), b"id: 18446744073709551615-8\ndata: hello\n\n");
        assert_eq!(chunk.len(), "28\r\n".len() + 0x28 + "\r\n".len());
    }

    #[test]
    fn ids_rise_when_the_clock_steps_back() {
        let mut ids = Ids::default();
        let seen = [5, 5, 3, 6].map(|now_ms| {
            ids.advance(now_ms);
            (ids.ms, ids.number)
        });
        assert_eq!(seen, [(5, 0), (5, 1), (5, 2), (6, 0)]);
    }
}
