//! Blocks of fields become fields (RFC 7541 section 6).

use super::{
    fault::Fault,
    huffman, integer,
    names::STATIC,
    table::{BYTES_MAX, Table},
};

/// Changes of the table's size at the start of a block. An encoder needs two at most (RFC 7541 section 4.2).
const RESIZES_MAX: usize = 2;

/// The decoder of one connection.
///
/// Our settings say that we want no table, but an encoder uses the default one until it knows. What is there is dropped when the
/// peer acknowledges our settings: it may not be named any more. An encoder that takes no notice (that of h2spec) goes on with an
/// empty table.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// `None` while there are no fields in it.
    table: Option<Box<Table>>,
    /// The size that the encoder uses. A good one comes to 0.
    table_bytes_max: usize,
    /// The most that it may change the size to.
    resize_max: usize,
}

impl Decoder {
    pub(crate) fn new() -> Self {
        Self { table: None, table_bytes_max: BYTES_MAX, resize_max: BYTES_MAX }
    }

    /// Forgets all fields: the peer knows that our table has no bytes (RFC 9113 section 4.3.1).
    pub(crate) fn drop_table(&mut self) {
        self.table = None;
        self.resize_max = 0;
    }

    /// Whether a block may be skipped and the next one still be understood.
    pub(crate) fn is_stateless(&self) -> bool {
        self.table_bytes_max == 0
    }

    /// The size of the fields that are kept (RFC 7541 section 4.1), 4 KiB at most.
    pub(crate) fn table_bytes(&self) -> usize {
        self.table.as_ref().map_or(0, |table| table.bytes())
    }

    /// Whether there is no memory for fields.
    #[cfg(test)]
    pub(crate) fn is_free(&self) -> bool {
        self.table.is_none()
    }

    /// Calls `take` with name and value of each field of a whole block.
    pub(crate) fn decode(&mut self, mut block: &[u8], mut take: impl FnMut(&[u8], &[u8])) -> Result<(), Fault> {
        let mut text = Vec::new();
        let (mut resizes, mut is_begun) = (0, false);
        while let Some(first) = block.first() {
            match first {
                0x80.. => {
                    let (name, value) = self.get(integer::decode(&mut block, 7)?)?;
                    take(name, value);
                }
                0x40.. => {
                    let name_bytes = self.literal(&mut block, 6, &mut text)?;
                    let (name, value) = text.split_at_checked(name_bytes).ok_or(Fault)?;
                    take(name, value);
                    if self.table_bytes_max > 0 {
                        self.table.get_or_insert_with(|| Box::new(Table::new(self.table_bytes_max))).add(name, value);
                    }
                }
                0x20.. => {
                    resizes += 1;
                    if is_begun || resizes > RESIZES_MAX {
                        return Err(Fault);
                    }
                    self.resize(integer::decode(&mut block, 5)?)?;
                    continue;
                }
                _ => {
                    let name_bytes = self.literal(&mut block, 4, &mut text)?;
                    let (name, value) = text.split_at_checked(name_bytes).ok_or(Fault)?;
                    take(name, value);
                }
            }
            is_begun = true;
        }
        Ok(())
    }

    /// Reads a field into `text`, name and value. Returns the bytes of the name.
    fn literal(&self, block: &mut &[u8], prefix_bits: u32, text: &mut Vec<u8>) -> Result<usize, Fault> {
        text.clear();
        match integer::decode(block, prefix_bits)? {
            0 => string(block, text)?,
            index => text.extend_from_slice(self.get(index)?.0),
        }
        let name_bytes = text.len();
        string(block, text)?;
        Ok(name_bytes)
    }

    fn get(&self, index: usize) -> Result<(&[u8], &[u8]), Fault> {
        let place = index.checked_sub(1).ok_or(Fault)?;
        if let Some((name, value)) = STATIC.get(place) {
            return Ok((name.as_bytes(), value.as_bytes()));
        }
        self.table.as_ref().and_then(|table| table.get(place - STATIC.len())).ok_or(Fault)
    }

    fn resize(&mut self, bytes: usize) -> Result<(), Fault> {
        if bytes > self.resize_max {
            return Err(Fault);
        }
        self.table_bytes_max = bytes;
        match &mut self.table {
            Some(table) if bytes > 0 => table.resize(bytes),
            _ => self.table = None,
        }
        Ok(())
    }
}

/// Appends a string (RFC 7541 section 5.2).
fn string(block: &mut &[u8], text: &mut Vec<u8>) -> Result<(), Fault> {
    let is_huffman = block.first().ok_or(Fault)? & 0x80 != 0;
    let bytes = integer::decode(block, 7)?;
    let (coded, rest) = block.split_at_checked(bytes).ok_or(Fault)?;
    *block = rest;
    if is_huffman {
        return huffman::decode(coded, text);
    }
    text.extend_from_slice(coded);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(decoder: &mut Decoder, block: &[u8]) -> Result<String, Fault> {
        let mut seen = Vec::new();
        decoder.decode(block, |name, value| {
            seen.push(format!("{}={}", String::from_utf8_lossy(name), String::from_utf8_lossy(value)));
        })?;
        Ok(seen.join("; "))
    }

    #[test]
    fn examples_of_the_rfc_with_huffman() {
        // RFC 7541 appendix C.4: three requests of one connection.
        let mut decoder = Decoder::new();
        let host = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
        let first = ":method=GET; :scheme=http; :path=/; :authority=www.example.com";
        assert_eq!(fields(&mut decoder, host).unwrap(), first);
        let second = fields(&mut decoder, b"\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf").unwrap();
        assert_eq!(second, format!("{first}; cache-control=no-cache"));
        let third = b"\x82\x87\x85\xbf\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf";
        let expected =
            ":method=GET; :scheme=https; :path=/index.html; :authority=www.example.com; custom-key=custom-value";
        assert_eq!(fields(&mut decoder, third).unwrap(), expected);
    }

    #[test]
    fn without_a_table_nothing_is_kept() {
        let mut decoder = Decoder::new();
        decoder.drop_table();
        assert_eq!(fields(&mut decoder, b"\x20\x40\x01a\x01b").unwrap(), "a=b");
        assert_eq!(fields(&mut decoder, b"\xbe"), Err(Fault));
        assert!(decoder.is_stateless());
        assert_eq!(fields(&mut decoder, b"\x21\x82"), Err(Fault));
    }

    #[test]
    fn who_goes_on_with_a_table_has_new_fields_and_no_old_ones() {
        let mut decoder = Decoder::new();
        assert_eq!(fields(&mut decoder, b"\x40\x01a\x01b").unwrap(), "a=b");
        decoder.drop_table();
        assert_eq!(fields(&mut decoder, b"\x40\x01c\x01d\xbe").unwrap(), "c=d; c=d");
        assert_eq!(fields(&mut decoder, b"\xbf"), Err(Fault));
    }

    #[test]
    fn two_changes_of_the_size_are_taken_and_three_are_not() {
        let mut decoder = Decoder::new();
        assert_eq!(fields(&mut decoder, b"\x20\x3f\xe1\x1f\x82").unwrap(), ":method=GET");
        assert_eq!(fields(&mut decoder, b"\x20\x20\x20\x82"), Err(Fault));
    }

    #[test]
    fn a_change_of_the_size_is_at_the_start_and_within_bounds() {
        for bad in [&b"\x82\x20"[..], b"\x3f\xe2\x1f\x82"] {
            assert_eq!(fields(&mut Decoder::new(), bad), Err(Fault), "{bad:?}");
        }
    }

    #[test]
    fn what_is_not_there_cannot_be_named() {
        for bad in
            [&b"\x80"[..], b"\xbe", b"\x7f\x00\x01b", b"\x00\x05ab", b"\x00", b"\x00\x01a", b"\x00\x01a\x82\xff\xff"]
        {
            assert_eq!(fields(&mut Decoder::new(), bad), Err(Fault), "{bad:?}");
        }
    }
}
