//! [`agree`]: the parser and the judge, which was written from the standard alone, read the same in every stream. A fuzz
//! target calls it too.

use fanfare_judge::{Dispatched, Judge};
use fanfare_sse::{Item, Limits, Parser};

/// Panics if the two do not agree about `stream`, of which the parser gets pieces of the sizes in `cuts`, over and over.
/// No cut may be 0, and nothing in the stream may be longer than the `limits`.
pub(crate) fn agree(stream: &[u8], cuts: &[usize], limits: &'static Limits) {
    let mut judge = Judge::of_any_server();
    let blocks = judge.blocks(stream);
    let (mut parser, mut comments, mut events) = (Parser::new(limits), Vec::new(), Vec::new());
    for piece in split(stream, cuts) {
        parser.feed(piece, |item| match item {
            Item::Comment(comment) => comments.push(text(comment.text)),
            Item::Event(event) => {
                assert_eq!(event.data_bytes, event.data.len() as u64);
                events.push((event.id.map(text), text(event.kind), text(event.data)));
            }
        });
    }
    let expected = blocks.into_iter().map(|block| {
        let Dispatched { kind, data, .. } = block.event;
        (block.id, kind, data)
    });
    assert_eq!(events, expected.collect::<Vec<_>>());
    assert_eq!(text(parser.last_id()), judge.last_id);
    assert_eq!(parser.retry().map(|retry| retry.as_millis()), judge.retries_ms.last().copied().map(u128::from));
    let expected = judge.comments.iter().map(|comment| comment.strip_prefix(' ').unwrap_or(comment));
    assert_eq!(comments, expected.collect::<Vec<_>>());
}

/// `bytes` in pieces of the sizes in `cuts`, over and over.
pub(crate) fn split<'a>(mut bytes: &'a [u8], cuts: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut sizes = cuts.iter().cycle();
    std::iter::from_fn(move || {
        let size = (*sizes.next()?).min(bytes.len());
        let (piece, rest) = bytes.split_at(size);
        bytes = rest;
        (size > 0).then_some(piece)
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
