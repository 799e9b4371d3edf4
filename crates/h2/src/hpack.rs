//! HPACK (RFC 7541): a decoder whose table is dropped when the peer knows that we want none, and an encoder without a table.
//!
//! The code is ours because the one library for it, loona-hpack 0.4, builds two kilobytes of hash tables for each decoder, has no
//! bound on a decoded list, and panics on a size that its caller got wrong.

mod decoder;
mod encoder;
mod fault;
mod huffman;
mod integer;
mod names;
mod table;

pub(crate) use decoder::Decoder;
pub(crate) use encoder::{field, status};
