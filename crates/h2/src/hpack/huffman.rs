//! The Huffman code of HPACK (RFC 7541 section 5.2 and appendix B). Only decoding: what is sent stays plain.
//!
//! The code is canonical: codes of one length are consecutive and in the order of the symbols, so the lengths say all.

use super::fault::Fault;

/// The bits of the code of each byte, and of the end of a string.
#[rustfmt::skip]
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7,
    7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
    23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];
const SYMBOLS: usize = 257;
/// The symbol that may only be padding.
const END: u16 = 256;
const LENGTH_MIN: usize = 5;
const LENGTH_MAX: usize = 30;

/// What decodes a code, made when this is compiled.
struct Code {
    /// For each length the first code that is longer, with its bits on the left of 32.
    ends: [u32; LENGTH_MAX + 1],
    /// For each length what is to be added to a code to have its place in `symbols`.
    shifts: [u32; LENGTH_MAX + 1],
    /// By the length of their codes, and then by their value.
    symbols: [u16; SYMBOLS],
}

static CODE: Code = code();

const fn code() -> Code {
    let mut made = Code { ends: [0; LENGTH_MAX + 1], shifts: [0; LENGTH_MAX + 1], symbols: [0; SYMBOLS] };
    let (mut next, mut place, mut length) = (0_u32, 0_u32, LENGTH_MIN);
    while length <= LENGTH_MAX {
        made.shifts[length] = place.wrapping_sub(next);
        let mut symbol = 0;
        while symbol < SYMBOLS {
            if LENGTHS[symbol] as usize == length {
                made.symbols[place as usize] = symbol as u16;
                place += 1;
                next += 1;
            }
            symbol += 1;
        }
        // The last length has all codes that are left: its end is one past 32 bits, and never asked for.
        made.ends[length] = if length == LENGTH_MAX { u32::MAX } else { next << (32 - length) };
        next <<= 1;
        length += 1;
    }
    made
}

/// Appends what `coded` stands for.
pub(super) fn decode(coded: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let (mut bits, mut held, mut rest) = (0_u64, 0_u32, coded.iter());
    loop {
        while held <= 56 {
            let Some(byte) = rest.next() else { break };
            bits = bits << 8 | u64::from(*byte);
            held += 8;
        }
        if held == 0 {
            return Ok(());
        }
        // The next 32 bits. Ones stand for those that are missing, as in padding.
        let next = match held {
            32.. => (bits >> (held - 32)) as u32,
            _ => ((bits << (32 - held)) as u32) | (u32::MAX >> held),
        };
        let mut length = LENGTH_MIN;
        while length < LENGTH_MAX && next >= CODE.ends[length] {
            length += 1;
        }
        if length as u32 > held {
            // Not a whole code: padding of at most 7 ones.
            return if held < 8 && next == u32::MAX { Ok(()) } else { Err(Fault) };
        }
        let place = (next >> (32 - length)).wrapping_add(CODE.shifts[length]);
        match CODE.symbols.get(place as usize) {
            Some(&symbol) if symbol != END => out.push(symbol as u8),
            _ => return Err(Fault),
        }
        held -= length as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(coded: &[u8]) -> Result<String, Fault> {
        let mut out = Vec::new();
        decode(coded, &mut out).map(|()| String::from_utf8(out).unwrap())
    }

    #[test]
    fn examples_of_the_rfc() {
        let host = [0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff];
        assert_eq!(decoded(&host).as_deref(), Ok("www.example.com"));
        assert_eq!(decoded(&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf]).as_deref(), Ok("no-cache"));
        assert_eq!(decoded(&[]).as_deref(), Ok(""));
    }

    #[test]
    fn every_byte_comes_back() {
        // The codes once more, by counting as appendix B is made.
        let mut order: Vec<usize> = (0..SYMBOLS).collect();
        order.sort_by_key(|symbol| (LENGTHS[*symbol], *symbol));
        let (mut code, mut length) = (0_u64, LENGTHS[order[0]]);
        for symbol in order {
            code <<= LENGTHS[symbol] - length;
            length = LENGTHS[symbol];
            let padded = code << (40 - length) | ((1 << (40 - length)) - 1);
            let bytes = padded.to_be_bytes()[3..][..usize::from(length).div_ceil(8)].to_vec();
            let mut out = Vec::new();
            let outcome = decode(&bytes, &mut out);
            match symbol {
                256 => assert_eq!(outcome, Err(Fault)),
                _ => assert_eq!((outcome, out), (Ok(()), vec![symbol as u8]), "{symbol}"),
            }
            code += 1;
        }
        assert_eq!(code, 1 << LENGTH_MAX);
    }

    #[test]
    fn padding_is_at_most_seven_ones() {
        // '0' is 00000.
        assert_eq!(decoded(&[0b0000_0111]).as_deref(), Ok("0"));
        for bad in [&[0b0000_0110][..], &[0b0000_0111, 0xff], &[0xff], &[0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(decoded(bad), Err(Fault), "{bad:?}");
        }
    }
}
