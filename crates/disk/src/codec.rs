//! The fields of payloads and of the state file: little endian, texts and lists with their length before them.
//!
//! Reading gives `None` for bytes that cannot have been written. Reading never panics and never allocates more than
//! there is.

use fanfare_core::{Channel, ClientId, EventId, Target};

const ALL: u8 = 0;
const CHANNEL: u8 = 1;
const CLIENT: u8 = 2;

pub(crate) fn put_u32(bytes: &mut Vec<u8>, number: u32) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

pub(crate) fn put_u64(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

pub(crate) fn put_id(bytes: &mut Vec<u8>, id: EventId) {
    put_u64(bytes, id.ms());
    put_u64(bytes, id.n());
}

/// Appends the number of items that follow.
pub(crate) fn put_count(bytes: &mut Vec<u8>, count: usize) {
    // More items do not fit in a frame or a state file, which are refused as a whole.
    put_u32(bytes, u32::try_from(count).unwrap_or(u32::MAX));
}

pub(crate) fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_count(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

pub(crate) fn put_target(bytes: &mut Vec<u8>, target: &Target) {
    match target {
        Target::All => bytes.push(ALL),
        Target::Channel(channel) => {
            bytes.push(CHANNEL);
            put_text(bytes, channel.as_str());
        }
        Target::Client(client) => {
            bytes.push(CLIENT);
            put_text(bytes, client.as_str());
        }
    }
}

/// Takes fields off the front of some bytes.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether all bytes have been taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn id(&mut self) -> Option<EventId> {
        Some(EventId::new(self.u64()?, self.u64()?))
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.u32()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        str::from_utf8(text).ok()
    }

    pub(crate) fn target(&mut self) -> Option<Target> {
        match self.u8()? {
            ALL => Some(Target::All),
            CHANNEL => Channel::new(self.text()?).ok().map(Target::Channel),
            CLIENT => ClientId::new(self.text()?).ok().map(Target::Client),
            _ => None,
        }
    }
}
