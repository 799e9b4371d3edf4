//! Integers of HPACK (RFC 7541 section 5.1).

use super::fault::Fault;

/// The most bytes after the prefix. Four carry 28 bits, which is more than any length or index that can come.
const MORE_BYTES_MAX: usize = 4;

/// The integer in the low `prefix_bits` of the first byte and in the bytes after it. `bytes` becomes what follows.
pub(super) fn decode(bytes: &mut &[u8], prefix_bits: u32) -> Result<usize, Fault> {
    let (first, mut rest) = bytes.split_first().ok_or(Fault)?;
    let mask = (1_usize << prefix_bits) - 1;
    let mut value = usize::from(*first) & mask;
    if value == mask {
        let mut is_last = false;
        for place in 0..MORE_BYTES_MAX {
            let (byte, after) = rest.split_first().ok_or(Fault)?;
            rest = after;
            value += usize::from(byte & 0x7f) << (7 * place);
            is_last = byte & 0x80 == 0;
            if is_last {
                break;
            }
        }
        if !is_last {
            return Err(Fault);
        }
    }
    *bytes = rest;
    Ok(value)
}

/// Appends `value` with a prefix of `prefix_bits`, below the bits of `first`.
pub(super) fn encode(out: &mut Vec<u8>, first: u8, prefix_bits: u32, value: usize) {
    let mask = (1_usize << prefix_bits) - 1;
    if value < mask {
        // Below the mask, so it has no more than 7 bits.
        out.push(first | value as u8);
        return;
    }
    out.push(first | mask as u8);
    let mut left = value - mask;
    while left >= 0x80 {
        out.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_rfc() {
        // RFC 7541 appendix C.1.
        for (bytes, prefix_bits, value) in [(&[0x0a][..], 5, 10), (&[0x1f, 0x9a, 0x0a], 5, 1_337), (&[0x2a], 8, 42)] {
            let mut rest = bytes;
            assert_eq!(decode(&mut rest, prefix_bits), Ok(value));
            assert!(rest.is_empty());
            let mut out = Vec::new();
            encode(&mut out, 0, prefix_bits, value);
            assert_eq!(out, bytes);
        }
    }

    #[test]
    fn the_largest_that_is_taken_and_one_byte_more() {
        let mut most: &[u8] = &[0x1f, 0xff, 0xff, 0xff, 0x7f];
        assert_eq!(decode(&mut most, 5), Ok(31 + (1 << 28) - 1));
        let mut more: &[u8] = &[0x1f, 0xff, 0xff, 0xff, 0xff, 0x00];
        assert_eq!(decode(&mut more, 5), Err(Fault));
        let mut padded: &[u8] = &[0x1f, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00];
        assert_eq!(decode(&mut padded, 5), Err(Fault));
    }

    #[test]
    fn a_part_of_an_integer_is_a_fault() {
        for mut part in [&[][..], &[0x1f], &[0x1f, 0x9a]] {
            assert_eq!(decode(&mut part, 5), Err(Fault));
        }
    }
}
