//! SETTINGS (RFC 9113 section 6.5): what this side announces, and what is of use in what the peer says.

use crate::{frame::PAYLOAD_MAX, limits::Limits, reason::Reason};

const HEADER_TABLE_SIZE: u16 = 1;
const ENABLE_PUSH: u16 = 2;
const MAX_CONCURRENT_STREAMS: u16 = 3;
const INITIAL_WINDOW_SIZE: u16 = 4;
const MAX_FRAME_SIZE: u16 = 5;
const MAX_HEADER_LIST_SIZE: u16 = 6;
/// RFC 9218 section 2.1: the peer need not tell its priorities in frames.
const NO_RFC7540_PRIORITIES: u16 = 9;

/// The bytes of one setting.
pub(crate) const ENTRY_BYTES: usize = 6;

/// The payload of the settings that this side announces.
pub(crate) fn announced(limits: &Limits) -> [u8; 5 * ENTRY_BYTES] {
    let head_bytes_max = u32::try_from(limits.head_bytes_max).unwrap_or(u32::MAX);
    let entries = [
        (HEADER_TABLE_SIZE, 0),
        (MAX_CONCURRENT_STREAMS, limits.streams_max),
        (INITIAL_WINDOW_SIZE, limits.stream_window_bytes.min(i32::MAX.unsigned_abs())),
        (MAX_HEADER_LIST_SIZE, head_bytes_max),
        (NO_RFC7540_PRIORITIES, 1),
    ];
    let mut payload = [0; 5 * ENTRY_BYTES];
    for (place, (id, value)) in payload.chunks_exact_mut(ENTRY_BYTES).zip(entries) {
        let (start, end) = place.split_at_mut(2);
        start.copy_from_slice(&id.to_be_bytes());
        end.copy_from_slice(&value.to_be_bytes());
    }
    payload
}

/// Reads a payload. Returns the window of new streams, if it says one. The other settings are of no use: nothing is pushed, no
/// table is kept, and no frame is larger than all peers have to take.
pub(crate) fn parse(payload: &[u8]) -> Result<Option<i32>, Reason> {
    let mut window = None;
    for entry in payload.chunks(ENTRY_BYTES) {
        let &[id_0, id_1, value_0, value_1, value_2, value_3] = entry else { return Err(Reason::FRAME_SIZE_ERROR) };
        let value = u32::from_be_bytes([value_0, value_1, value_2, value_3]);
        match u16::from_be_bytes([id_0, id_1]) {
            ENABLE_PUSH if value > 1 => return Err(Reason::PROTOCOL_ERROR),
            INITIAL_WINDOW_SIZE => window = Some(i32::try_from(value).map_err(|_| Reason::FLOW_CONTROL_ERROR)?),
            MAX_FRAME_SIZE if !(PAYLOAD_MAX as u32..1 << 24).contains(&value) => return Err(Reason::PROTOCOL_ERROR),
            NO_RFC7540_PRIORITIES if value > 1 => return Err(Reason::PROTOCOL_ERROR),
            _ => {}
        }
    }
    Ok(window)
}
