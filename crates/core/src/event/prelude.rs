//! [`Prelude`]: the first lines of a stream. The lines of gaps and cursors are here too.

use std::fmt;

use crate::event::{event_id::EventId, gap::Gap, name::ClientId};

/// The first bytes of a stream, written by `Display`. No blank line follows the first lines, because several client libraries
/// take a block without data for an empty event.
///
/// ```
/// use fanfare_core::{ClientId, EventId, NameError, engine::Prelude};
///
/// let client = ClientId::new("42")?;
/// let notes = ["see https://example.org/docs".to_owned()];
/// let prelude = Prelude { retry_ms: 2_000, connection: 7, client: &client, notes: &notes, gap: None, cursor: None };
/// assert_eq!(prelude.to_string(), "retry: 2000
/// : connection 7 client 42
/// : see https://example.org/docs
/// ");
/// # Ok::<_, NameError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Prelude<'a> {
    /// The time to come back after, in milliseconds.
    pub retry_ms: u64,
    /// The number of the connection.
    pub connection: u64,
    /// The client of the connection.
    pub client: &'a ClientId,
    /// Comment lines for a person who reads the stream. An `EventSource` does not show them.
    pub notes: &'a [String],
    /// Events that are lost before the stream begins.
    pub gap: Option<&'a Gap>,
    /// The cursor, if the client asked for it.
    pub cursor: Option<EventId>,
}

impl fmt::Display for Prelude<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "retry: {}\n: connection {} client {}\n", self.retry_ms, self.connection, self.client)?;
        // A line break in a note would begin a field.
        for line in self.notes.iter().flat_map(|note| note.split(['\n', '\r'])) {
            writeln!(f, ": {line}")?;
        }
        f.write_str(&self.gap.map(gap_lines).unwrap_or_default())?;
        f.write_str(&self.cursor.map(cursor_lines).unwrap_or_default())
    }
}

/// The event that tells a gap. Has no id, because the client's cursor must not move.
pub(crate) fn gap_lines(gap: &Gap) -> String {
    format!("event: fanfare.gap\ndata: {gap}\n\n")
}

/// The event that moves the client's last event id forward.
///
/// By WHATWG HTML 9.2.6 an `id:` line alone would do, but only Chromium takes it. Firefox, WebKit and several libraries keep
/// the id of a block only if they dispatch the block. They dispatch this one as an event of a type that no page listens to.
pub(crate) fn cursor_lines(cursor: EventId) -> String {
    format!("event: fanfare.cursor\nid: {cursor}\ndata:\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prelude_has_the_lines_of_the_contract_and_notes_begin_no_field() {
        let client = ClientId::new("u").unwrap();
        let prelude = Prelude { retry_ms: 7, connection: 1, client: &client, notes: &[], gap: None, cursor: None };
        assert_eq!(prelude.to_string(), "retry: 7\n: connection 1 client u\n");
        let notes = ["a: b\ndata: c\r".to_owned()];
        let prelude = Prelude { notes: &notes, cursor: Some(EventId::new(3, 4)), ..prelude };
        let lines = ": connection 1 client u\n: a: b\n: data: c\n: \n";
        assert_eq!(prelude.to_string(), format!("retry: 7\n{lines}event: fanfare.cursor\nid: 3-4\ndata:\n\n"));
    }
}
