//! The parts of both directions: ring's algorithm and key for a suite, and the nonce of a record.

use ring::aead::{self, AES_128_GCM, AES_256_GCM, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use rustls::ConnectionTrafficSecrets;

/// The key, and the value that nonces are made of. `None`: rustls has a suite that this crate does not know.
pub(crate) fn parts(secrets: &ConnectionTrafficSecrets) -> Option<(&'static aead::Algorithm, &[u8], &[u8; NONCE_LEN])> {
    let (algorithm, key, iv) = match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv),
        ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv),
        ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (&CHACHA20_POLY1305, key, iv),
        _ => return None,
    };
    Some((algorithm, key.as_ref(), iv.as_ref().try_into().ok()?))
}

/// The key as ring uses it, about half a KiB.
pub(crate) fn expand(algorithm: &'static aead::Algorithm, key: &[u8]) -> Option<LessSafeKey> {
    UnboundKey::new(algorithm, key).ok().map(LessSafeKey::new)
}

/// The nonce of the record with this number (RFC 8446 5.3).
pub(crate) fn nonce(iv: &[u8; NONCE_LEN], sequence: u64) -> Nonce {
    let mut nonce = *iv;
    for (byte, counted) in nonce[NONCE_LEN - size_of::<u64>()..].iter_mut().zip(sequence.to_be_bytes()) {
        *byte ^= counted;
    }
    Nonce::assume_unique_for_key(nonce)
}
