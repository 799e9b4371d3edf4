//! [`Fields`]: the fields of a line of text. [`JsonLines`]: lines of JSON on their way. Neither lets a character through
//! that steers a terminal or breaks a line.

use std::{
    fmt::{self, Debug, Write as _},
    io::{self, Write},
};

use tracing::field::{Field, Visit};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{FormatFields, MakeWriter, format::Writer},
};

use crate::harmless::{OneLine, harmless_json};

/// Prefix of fields that a bridge from the crate `log` makes. They repeat what stands in front of the line.
const OF_LOG: &str = "log.";

/// Writes the fields as `message name=value name=value`.
///
/// Strings come quoted, with everything escaped. Text that was made for the line, such as the message or an error, comes
/// as it is, and may have what a client, a file or another server has said.
#[derive(Debug)]
pub(super) struct Fields;

struct Visitor<'w> {
    writer: Writer<'w>,
    is_first: bool,
    written: fmt::Result,
}

impl<'w> FormatFields<'w> for Fields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut visitor = Visitor { writer, is_first: true, written: Ok(()) };
        fields.record(&mut visitor);
        visitor.written
    }
}

impl Visit for Visitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let name = field.name();
        if self.written.is_ok() && !name.starts_with(OF_LOG) {
            self.written = self.write(name, value);
        }
    }
}

impl Visitor<'_> {
    fn write(&mut self, name: &str, value: &dyn Debug) -> fmt::Result {
        if !std::mem::take(&mut self.is_first) {
            self.writer.write_char(' ')?;
        }
        match name {
            "message" => {}
            // In italics, and the sign dimmed.
            name if self.writer.has_ansi_escapes() => write!(self.writer, "\x1b[3m{name}\x1b[0m\x1b[2m=\x1b[0m")?,
            name => write!(self.writer, "{name}=")?,
        }
        write!(OneLine(&mut self.writer), "{value:?}")
    }
}

/// Makes writers that let JSON through without harmful characters.
#[derive(Debug)]
pub(super) struct JsonLines<M>(pub(super) M);

/// Takes one line at a time, as the log gives it.
#[derive(Debug)]
pub(super) struct JsonLine<W>(W);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for JsonLines<M> {
    type Writer = JsonLine<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        JsonLine(self.0.make_writer())
    }
}

impl<W: Write> Write for JsonLine<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(harmless_json(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
