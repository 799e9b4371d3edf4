//! Fields become bytes, without a table and without Huffman: the peer keeps nothing, and neither do we.

use super::{integer, names};

/// The index of `:status` in the static table.
const STATUS: usize = 8;

/// A literal that no index is given to (RFC 7541 section 6.2.2).
const LITERAL: u8 = 0;

/// Appends `:status`.
pub(crate) fn status(out: &mut Vec<u8>, status: u16) {
    let whole = match status {
        200 => 8,
        204 => 9,
        206 => 10,
        304 => 11,
        400 => 12,
        404 => 13,
        500 => 14,
        _ => {
            integer::encode(out, LITERAL, 4, STATUS);
            let digit = |value: u16| b'0' + (value % 10) as u8;
            out.extend_from_slice(&[3, digit(status / 100), digit(status / 10), digit(status)]);
            return;
        }
    };
    integer::encode(out, 0x80, 7, whole);
}

/// Appends a field. Its name is in lower case.
pub(crate) fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    match names::index_of(name) {
        Some(index) => integer::encode(out, LITERAL, 4, index),
        None => {
            out.push(LITERAL);
            string(out, name.as_bytes());
        }
    }
    string(out, value);
}

fn string(out: &mut Vec<u8>, text: &[u8]) {
    integer::encode(out, 0, 7, text.len());
    out.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use super::{super::decoder::Decoder, *};

    #[test]
    fn a_decoder_reads_what_was_written() {
        let long = "x".repeat(300);
        let mut out = Vec::new();
        for code in [200, 204, 431, 100] {
            status(&mut out, code);
        }
        field(&mut out, "www-authenticate", b"Bearer");
        field(&mut out, "x-own", long.as_bytes());
        let mut decoder = Decoder::new();
        decoder.drop_table();
        let mut seen = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        decoder.decode(&out, |name, value| seen.push((text(name), text(value)))).unwrap();
        let statuses = ["200", "204", "431", "100"].map(|code| (":status".to_owned(), code.to_owned()));
        assert_eq!(seen[..4], statuses);
        assert_eq!(seen[4..], [("www-authenticate".to_owned(), "Bearer".to_owned()), ("x-own".to_owned(), long)]);
    }
}
