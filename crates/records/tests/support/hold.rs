//! Properties of records for any input. The fuzz target `tls_records` and tests/records.rs call [`hold`].
//!
//! The input stands for what a peer sent, for plaintext that is to be sealed, and for the places where a record is changed on its
//! way.

use std::io::IoSlice;

use fanfare_records::{HEADER_BYTES, KeyUpdate, Kind, OVERHEAD_BYTES, Opener, PLAINTEXT_BYTES_MAX, Sealer};
use rustls::{
    ConnectionTrafficSecrets,
    crypto::cipher::{AeadKey, Iv},
};

fn secrets(is_aes: bool) -> ConnectionTrafficSecrets {
    let (key, iv) = (AeadKey::from([7; 32]), Iv::from([9; 12]));
    match is_aes {
        true => ConnectionTrafficSecrets::Aes256Gcm { key, iv },
        false => ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv },
    }
}

/// Both ends of one direction in which `sequence` records have gone.
pub(crate) fn pair(sequence: u64, is_aes: bool) -> (Sealer, Opener) {
    (Sealer::new(sequence, &secrets(is_aes)).unwrap(), Opener::new(sequence, secrets(is_aes)).unwrap())
}

/// All plaintext of the records in `bytes`, which must be of one kind.
pub(crate) fn open_all(opener: &mut Opener, mut bytes: &mut [u8], kind: Kind) -> Vec<u8> {
    let mut plaintext = Vec::new();
    while !bytes.is_empty() {
        let record_bytes = Opener::record_bytes(bytes).unwrap().unwrap();
        let (record, rest) = bytes.split_at_mut(record_bytes);
        let (found, range) = opener.open(record).unwrap();
        assert!(found == kind && !range.is_empty() && range.len() <= PLAINTEXT_BYTES_MAX);
        plaintext.extend_from_slice(&record[range]);
        bytes = rest;
    }
    plaintext
}

/// Nothing that a peer sends is taken for plaintext unless it was sealed, and everything that was sealed comes back.
pub(crate) fn hold(input: &[u8]) {
    let is_aes = input.first().is_some_and(|byte| byte % 2 == 0);
    is_refused(input, is_aes);
    let sealed = comes_back(input, is_aes);
    for (at, byte) in input.iter().take(16).enumerate() {
        let mut changed = sealed.clone();
        let place = usize::from(*byte) * (at + 1) % changed.len().max(1);
        if let Some(changed_byte) = changed.get_mut(place) {
            *changed_byte ^= 1 << (byte % 8);
            is_refused(&changed, is_aes);
        }
    }
}

/// The peer does not have the key, so at most the first record's header is taken.
fn is_refused(input: &[u8], is_aes: bool) {
    let (_, mut opener) = pair(0, is_aes);
    let mut input = input.to_owned();
    let _ = KeyUpdate::read(&input).map(|update| assert_eq!(input, update.bytes()));
    match Opener::record_bytes(&input) {
        Ok(Some(bytes)) => {
            assert!(bytes >= OVERHEAD_BYTES && input.len() >= HEADER_BYTES);
            let end = bytes.min(input.len());
            assert!(opener.open(&mut input[..end]).is_err(), "nobody has sealed it");
        }
        Ok(None) => assert!(input.len() < HEADER_BYTES),
        Err(fault) => assert!(fault.alert() > 0 && opener.open(&mut input).is_err()),
    }
}

/// The input is plaintext, in pieces whose sizes it says itself. Returns the first record.
fn comes_back(input: &[u8], is_aes: bool) -> Vec<u8> {
    let (mut sealer, mut opener) = pair(0, is_aes);
    let piece_bytes = input.len() / 3 + 1;
    let parts: Vec<_> = input.chunks(piece_bytes).map(IoSlice::new).collect();
    let mut out = Vec::new();
    let bytes = sealer.seal(&parts, Kind::ApplicationData, &mut out).unwrap();
    assert_eq!(bytes, out.len());
    let first = Opener::record_bytes(&out).unwrap().unwrap_or(0);
    let sealed = out[..first].to_owned();
    assert_eq!(open_all(&mut opener, &mut out, Kind::ApplicationData), input);
    // The opener is one record further, so a record that comes twice is refused as one that was changed.
    assert!(sealed.is_empty() || opener.open(&mut sealed.clone()).is_err());
    sealed
}
