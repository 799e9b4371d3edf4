//! [`Answer`]: the answer to a publish, put together from what was read. It has to be a success.

use crate::publish::error::PublishError;
use crate::wire::body::Body;
use crate::wire::head::{Head, HeadReader};

/// The most bytes of an answer's body that are read.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// The answer to the publish of `event`, counted from 1.
#[derive(Debug)]
pub(super) struct Answer {
    event: u32,
    reader: HeadReader,
    head: Option<Head>,
    text: Vec<u8>,
}

/// The text of a whole answer, and whether the target closes the connection after it.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) text: Vec<u8>,
    pub(super) closes: bool,
}

impl Answer {
    pub(super) fn new(event: u32) -> Self {
        Self { event, reader: HeadReader::default(), head: None, text: Vec::new() }
    }

    /// Its head came apart from it.
    pub(super) fn with_head(event: u32, head: Head) -> Self {
        Self { head: Some(head), ..Self::new(event) }
    }

    /// Takes the bytes of a read, none of which is the end of the connection. Gives the answer once it is whole.
    pub(super) fn take(&mut self, came: &[u8]) -> Result<Option<Answered>, PublishError> {
        let event = self.event;
        let rest = match &mut self.head {
            Some(head) => take_body(event, head, came, &mut self.text)?,
            None => match self.reader.take(came).map_err(|cause| PublishError::Head { event, cause })? {
                Some((mut head, body)) => {
                    let rest = take_body(event, &mut head, &body, &mut self.text)?;
                    self.head = Some(head);
                    rest
                }
                None => 0,
            },
        };
        if rest > 0 || self.text.len() > ANSWER_BYTES_MAX {
            return Err(PublishError::TooMuch { event, bytes_max: ANSWER_BYTES_MAX });
        }
        let is_eof = came.is_empty();
        let closes = match &self.head {
            Some(head) if head.body.is_over() => head.closes,
            // Only the close ends it: nothing more can be sent on this connection.
            Some(head) if is_eof && head.body == Body::UntilClose => true,
            _ if is_eof => return Err(PublishError::Closed { event }),
            _ => return Ok(None),
        };
        let text = std::mem::take(&mut self.text);
        self.head.iter().try_for_each(|head| check(event, head, &text))?;
        Ok(Some(Answered { text, closes }))
    }
}

/// Adds the bytes of the body to `text` and returns how many bytes are left over.
fn take_body(event: u32, head: &mut Head, bytes: &[u8], text: &mut Vec<u8>) -> Result<usize, PublishError> {
    let used = head.body.decode(bytes, |part| text.extend_from_slice(part));
    Ok(bytes.len() - used.map_err(|cause| PublishError::Malformed { event, cause })?)
}

fn check(event: u32, head: &Head, text: &[u8]) -> Result<(), PublishError> {
    if (200..300).contains(&head.status) {
        return Ok(());
    }
    // The first line says most, and a terminal is no place for control characters.
    let text = String::from_utf8_lossy(text);
    let first_line: String =
        text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect();
    let text = if first_line.is_empty() { first_line } else { format!(": {first_line}") };
    Err(PublishError::Status { event, status: head.status, text })
}
