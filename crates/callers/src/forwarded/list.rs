//! [`FromTheRight`]: the elements of a header that is a list (RFC 9110 5.6.1), the last one first.
//!
//! Quotes are matched from the right as well. A quote that a client has left open, at the left, would otherwise swallow what a proxy has
//! written behind it.

use std::iter::Rev;

/// Elements of several lines. `None` is an element that is malformed or too long, and the last.
pub(super) struct FromTheRight<'a, L> {
    lines: Rev<L>,
    /// What is left of the line in hand. `None` if its first element has been taken.
    rest: Option<&'a [u8]>,
    bytes_left: usize,
    /// Whether elements may have quoted strings (RFC 9110 5.6.4).
    has_quotes: bool,
}

impl<'a, L: DoubleEndedIterator<Item = &'a [u8]>> FromTheRight<'a, L> {
    /// Elements with at most `bytes_max` bytes together.
    pub(super) fn new(lines: L, bytes_max: usize, has_quotes: bool) -> Self {
        Self { lines: lines.rev(), rest: None, bytes_left: bytes_max, has_quotes }
    }
}

impl<'a, L: DoubleEndedIterator<Item = &'a [u8]>> Iterator for FromTheRight<'a, L> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.rest.take().or_else(|| self.lines.next())?;
        let Some((rest, element)) = split_last(line, self.bytes_left, self.has_quotes) else { return Some(None) };
        self.rest = rest;
        // The comma as well.
        self.bytes_left = self.bytes_left.saturating_sub(element.len() + 1);
        Some(Some(element.trim_ascii()))
    }
}

/// The last element of `line`, and what is in front of its comma.
fn split_last(line: &[u8], bytes_max: usize, has_quotes: bool) -> Option<(Option<&[u8]>, &[u8])> {
    let mut is_quoted = false;
    for (at, byte) in line.iter().enumerate().rev() {
        match byte {
            b',' if !is_quoted => return Some((line.get(..at), &line[at + 1..])),
            b'"' if has_quotes => match (is_quoted, is_escaped(line, at)) {
                (_, false) => is_quoted = !is_quoted,
                (true, true) => {}
                // No string ends like that.
                (false, true) => return None,
            },
            _ => {}
        }
        if line.len() - at > bytes_max {
            return None;
        }
    }
    (!is_quoted).then_some((None, line))
}

/// Whether the byte at `at` stands behind an odd number of backslashes.
fn is_escaped(line: &[u8], at: usize) -> bool {
    line[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}
