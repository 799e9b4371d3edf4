//! Records by themselves: sizes, limits and faults.

#[path = "../../../fuzz/every_input.rs"]
mod every_input;
#[path = "support/hold.rs"]
mod hold;

use std::io::IoSlice;

use every_input::every_input;
use fanfare_records::{
    Exhausted, Fault, GCM_RECORDS_MAX, KeyUpdate, Kind, OVERHEAD_BYTES, Opener, PLAINTEXT_BYTES_MAX, RECORD_BYTES_MAX,
    Sealer,
};
use hold::{hold, open_all, pair};
use proptest::prelude::*;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

fn sealed(sealer: &mut Sealer, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    sealer.seal(&[IoSlice::new(bytes)], Kind::ApplicationData, &mut out).unwrap();
    out
}

/// A record whose inner plaintext is given byte for byte, as a peer may send it.
fn record_of(inner: &[u8]) -> Vec<u8> {
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &[7; 32]).unwrap());
    let [high, low] = u16::try_from(inner.len() + 16).unwrap().to_be_bytes();
    let header = [23, 3, 3, high, low];
    let mut sealed = inner.to_owned();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key([9; 12]), Aad::from(header), &mut sealed).unwrap();
    [&header[..], &sealed].concat()
}

fn opened(inner: &[u8]) -> Result<(Kind, usize), Fault> {
    let (_, mut opener) = pair(0, false);
    opener.open(&mut record_of(inner)).map(|(kind, range)| (kind, range.len()))
}

proptest! {
    #[test]
    fn pieces_of_any_size_come_back_in_as_few_records_as_possible(
        pieces in prop::collection::vec(prop_oneof![0_usize..300, 16_000_usize..40_000], 0..6),
        is_aes: bool,
    ) {
        let pieces: Vec<Vec<u8>> = pieces.iter().enumerate().map(|(at, bytes)| vec![at as u8 + 1; *bytes]).collect();
        let parts: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let (mut sealer, mut opener) = pair(3, is_aes);
        let left = sealer.records_left();
        let mut out = b"kept".to_vec();
        let bytes = sealer.seal(&parts, Kind::ApplicationData, &mut out).unwrap();
        let all = pieces.concat();
        let records = all.len().div_ceil(PLAINTEXT_BYTES_MAX);
        prop_assert_eq!(bytes, all.len() + records * OVERHEAD_BYTES);
        prop_assert_eq!(left - sealer.records_left(), records as u64);
        let (kept, records) = out.split_at_mut(4);
        prop_assert_eq!(&*kept, b"kept");
        prop_assert_eq!(open_all(&mut opener, records, Kind::ApplicationData), all);
    }
}

#[test]
fn a_record_has_its_limit_of_plaintext_and_one_byte_more_makes_two() {
    let (mut sealer, _) = pair(0, true);
    assert_eq!(sealed(&mut sealer, &[0; PLAINTEXT_BYTES_MAX]).len(), PLAINTEXT_BYTES_MAX + OVERHEAD_BYTES);
    assert_eq!(sealed(&mut sealer, &[0; PLAINTEXT_BYTES_MAX + 1]).len(), PLAINTEXT_BYTES_MAX + 1 + 2 * OVERHEAD_BYTES);
}

#[test]
fn a_key_of_aes_seals_its_limit_of_records_and_not_one_more() {
    let (mut sealer, _) = pair(GCM_RECORDS_MAX - 2, true);
    let mut out = Vec::new();
    let two = [IoSlice::new(&[1; PLAINTEXT_BYTES_MAX + 1])];
    assert_eq!(sealer.records_left(), 2);
    sealer.seal(&two, Kind::ApplicationData, &mut out).unwrap();
    let bytes = out.len();
    assert_eq!(sealer.records_left(), 0);
    assert_eq!(sealer.seal(&[IoSlice::new(b"x")], Kind::Alert, &mut out), Err(Exhausted));
    assert_eq!(out.len(), bytes, "nothing was appended");

    let (mut sealer, _) = pair(GCM_RECORDS_MAX - 1, true);
    assert_eq!(sealer.seal(&two, Kind::ApplicationData, &mut Vec::new()), Err(Exhausted));
    assert_eq!(sealer.records_left(), 1, "all of it or nothing");
}

#[test]
fn a_key_of_chacha_goes_on() {
    let (mut sealer, mut opener) = pair(GCM_RECORDS_MAX, false);
    let mut record = sealed(&mut sealer, b"x");
    assert_eq!(open_all(&mut opener, &mut record, Kind::ApplicationData), b"x");
    let (_, mut last) = pair(u64::MAX, false);
    assert_eq!(last.open(&mut record_of(b"x\x17")), Err(Fault::Exhausted));
}

#[test]
fn padding_is_taken_off_up_to_the_limit() {
    assert_eq!(opened(b"data\x17\0\0\0"), Ok((Kind::ApplicationData, 4)));
    assert_eq!(opened(b"\x17\0"), Ok((Kind::ApplicationData, 0)), "empty application data may come");
    let mut inner = vec![0; PLAINTEXT_BYTES_MAX + 1];
    inner[0] = 22;
    assert_eq!(opened(&inner), Ok((Kind::Handshake, 0)));
    inner.push(0);
    assert_eq!(opened(&inner), Err(Fault::TooLong));
    assert_eq!(opened(&[0; 40]), Err(Fault::UnknownKind), "nothing but padding");
    assert_eq!(opened(b"data\x14"), Err(Fault::UnknownKind), "a change of ciphers");
}

#[test]
fn a_header_is_refused_for_its_type_and_its_length() {
    let length = |bytes: usize| {
        let [high, low] = u16::try_from(bytes).unwrap().to_be_bytes();
        Opener::record_bytes(&[23, 9, 9, high, low])
    };
    assert_eq!(length(16_384 + 256), Ok(Some(RECORD_BYTES_MAX)));
    assert_eq!(length(16_384 + 257), Err(Fault::TooLong));
    assert_eq!(length(17), Ok(Some(22)));
    assert_eq!(length(16), Err(Fault::TooShort));
    assert_eq!(Opener::record_bytes(&[23, 3, 3, 0]), Ok(None));
    assert_eq!(Opener::record_bytes(b""), Ok(None));
    assert_eq!(Opener::record_bytes(b"GET / HTTP/1.1"), Err(Fault::NotProtected));
    assert_eq!(Opener::record_bytes(&[20, 3, 3, 0, 1, 1]), Err(Fault::NotProtected), "a change of ciphers");
}

#[test]
fn a_record_that_was_changed_or_comes_twice_is_refused() {
    let (mut sealer, mut opener) = pair(0, true);
    let record = sealed(&mut sealer, b"hello");
    // The first byte is the type. The last two of the header are the length.
    for at in (1..3).chain(5..record.len()) {
        let mut changed = record.clone();
        changed[at] ^= 1;
        assert_eq!(opener.open(&mut changed), Err(Fault::BadTag), "byte {at}");
    }
    opener.open(&mut record.clone()).unwrap();
    assert_eq!(opener.open(&mut record.clone()), Err(Fault::BadTag));
}

#[test]
fn a_key_update_stands_alone_in_its_record() {
    for is_requested in [false, true] {
        let update = KeyUpdate { is_requested };
        assert_eq!(KeyUpdate::read(&update.bytes()), Ok(update));
        let two = [update.bytes(), update.bytes()].concat();
        assert_eq!(KeyUpdate::read(&two), Err(Fault::UnexpectedMessage));
    }
    assert_eq!(KeyUpdate::read(&[24, 0, 0, 1, 2]), Err(Fault::BadKeyUpdate));
    assert_eq!(KeyUpdate::read(&[24, 0, 0, 1]), Err(Fault::UnexpectedMessage));
    assert_eq!(KeyUpdate::read(b""), Err(Fault::UnexpectedMessage));
    assert_eq!(KeyUpdate::read(&[1, 0, 0, 0]), Err(Fault::UnexpectedMessage), "a ClientHello: no renegotiation");
}

#[test]
fn what_is_printed_has_no_secret() {
    let (sealer, opener) = pair(5, true);
    assert_eq!(format!("{sealer:?}"), "Sealer { sequence: 5, .. }");
    assert_eq!(format!("{opener:?}"), "Opener { sequence: 5, .. }");
}

#[test]
fn the_properties_hold_for_the_corpus_of_the_fuzz_target() {
    every_input("tls_records", 24, hold);
}
