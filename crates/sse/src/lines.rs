//! Lines: where one ends, and the field that stands in it.

/// The place of the first CR or LF. Whole blocks are looked at without a branch inside, so the compiler uses wide registers.
pub(crate) fn line_end(bytes: &[u8]) -> Option<usize> {
    let is_end = |byte: u8| (byte == b'\n') | (byte == b'\r');
    let clear = bytes.chunks_exact(32).take_while(|block| !block.iter().fold(false, |hit, &byte| hit | is_end(byte)));
    let start = clear.count() * 32;
    bytes[start..].iter().position(|&byte| is_end(byte)).map(|at| start + at)
}

/// The value of a line's field, if it is the field of this name.
pub(crate) fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let after_name = line.strip_prefix(name)?;
    match after_name.split_first() {
        None => Some(after_name),
        Some((b':', value)) => Some(value.strip_prefix(b" ").unwrap_or(value)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_end_is_found_at_every_place() {
        for length in 0..100 {
            let mut bytes = vec![b'x'; length];
            assert_eq!(line_end(&bytes), None);
            for at in 0..length {
                bytes[at] = if at % 2 == 0 { b'\n' } else { b'\r' };
                assert_eq!(line_end(&bytes), Some(at));
                bytes[at] = b'x';
            }
        }
    }
}
