//! [`LIMITS`]: the most that is kept of an event stream: of each event its type, its id and the first bytes of its data.
//!
//! There are many streams at once, so each keeps little, however long its lines are.

use fanfare_sse::Limits;

use crate::measure::stamp::STAMP_BYTES_MAX;

/// The bytes that are kept of an event's data: a stamp, or the whole of a gap.
const DATA_BYTES_MAX: usize = 224;
const _: () = assert!(DATA_BYTES_MAX >= STAMP_BYTES_MAX);
/// The bytes that are kept of an event's type: more than any type that means something here.
const TYPE_BYTES_MAX: usize = 16;
/// The longest id that is kept. A longer one counts as none.
pub(crate) const ID_BYTES_MAX: usize = 128;

pub(crate) static LIMITS: Limits =
    Limits { data_bytes: DATA_BYTES_MAX, id_bytes: ID_BYTES_MAX, kind_bytes: TYPE_BYTES_MAX, comment_bytes: 0 };
