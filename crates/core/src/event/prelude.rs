//! [`Prelude`]: the first lines of a stream; and the lines of gaps and cursors.

use std::fmt;

use crate::event::{event_id::EventId, gap::Gap, name::ClientId};

/// The first bytes of a stream, as its `Display`. No blank line follows its first lines, because several client libraries
/// take a block without data for an empty event.
#[derive(Clone, Copy, Debug)]
pub struct Prelude<'a> {
    /// When to come back, in milliseconds.
    pub retry_ms: u64,
    /// The number of the connection.
    pub connection: u64,
    /// Whose connection it is.
    pub client: &'a ClientId,
    /// What a person should know who reads the stream, each a comment line. An `EventSource` shows none of it.
    pub notes: &'a [String],
    /// What the stream has to be told first.
    pub gap: Option<&'a Gap>,
    /// Its cursor, if it asked for that.
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

/// A gap as an event. It never has an id: the client's cursor must stay where it is.
pub(crate) fn gap_lines(gap: &Gap) -> String {
    format!("event: fanfare.gap\ndata: {gap}\n\n")
}

/// Moves the client's last event id forward. By WHATWG HTML 9.2.6 an `id:` alone would do, but only Chromium takes it: Firefox,
/// WebKit and several libraries keep the id of a block only if they dispatch it. They dispatch this one as an event of a type
/// that no page listens to.
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
