//! [`KeyUpdate`]: one side goes on with its next key (RFC 8446 4.6.3).

use crate::Fault;

/// Type and length of the message.
const START: [u8; 4] = [24, 0, 0, 1];

/// The peer, or this side, seals with its next key from the record behind this message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUpdate {
    /// The other side is asked to do the same.
    pub is_requested: bool,
}

impl KeyUpdate {
    /// Reads the plaintext of a handshake record. A KeyUpdate that is spread over records is refused, though the standard allows
    /// it: nobody cuts five bytes, and there is nothing to keep then.
    ///
    /// # Errors
    /// The plaintext is something else, or is not alone in its record: the bytes behind it would have the wrong key.
    pub fn read(plaintext: &[u8]) -> Result<Self, Fault> {
        match plaintext.strip_prefix(&START) {
            Some([0]) => Ok(Self { is_requested: false }),
            Some([1]) => Ok(Self { is_requested: true }),
            Some([_]) => Err(Fault::BadKeyUpdate),
            _ => Err(Fault::UnexpectedMessage),
        }
    }

    /// The message, to be sealed as [`Kind::Handshake`](crate::Kind::Handshake) with the key before.
    pub fn bytes(self) -> [u8; 5] {
        let [kind, high, middle, low] = START;
        [kind, high, middle, low, u8::from(self.is_requested)]
    }
}
