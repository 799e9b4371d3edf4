//! [`Item`]: what a stream says, one thing at a time. All of it is borrowed from the parser, and may be no valid UTF-8: by
//! the standard each wrong sequence stands for U+FFFD.

/// One thing that a stream says.
///
/// ```
/// use fanfare_sse::{Item, Limits, Parser};
///
/// static LIMITS: Limits = Limits { data_bytes: 1 << 20, id_bytes: 256, kind_bytes: 256, comment_bytes: 64 };
/// let mut seen = Vec::new();
/// Parser::new(&LIMITS).feed(b": hi\nid: 7\nevent: tick\ndata: 12.50\n\n", |item| match item {
///     Item::Comment(comment) => seen.push(comment.text.to_vec()),
///     Item::Event(event) => {
///         assert_eq!((event.id, event.kind), (Some(&b"7"[..]), &b"tick"[..]));
///         seen.push(event.data.to_vec());
///     }
/// });
/// assert_eq!(seen, [&b"hi"[..], b"12.50"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// An event is complete.
    Event(Event<'a>),
    /// A comment line is complete.
    Comment(Comment<'a>),
}

/// An event as the standard dispatches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The id that the event itself carries; empty also for one that is too long to be kept.
    pub id: Option<&'a [u8]>,
    /// The type, which is `message` if the event names none; the first bytes of a long one.
    pub kind: &'a [u8],
    /// The data, its lines joined by LF; the first bytes of long data.
    pub data: &'a [u8],
    /// The length of the whole data in bytes, the LFs between its lines included.
    pub data_bytes: u64,
}

/// A line that begins with a colon. By the standard it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comment<'a> {
    /// The words behind the colon, without one leading space; the first bytes of a long one.
    pub text: &'a [u8],
    /// The line before was a comment too.
    pub follows_comment: bool,
}
