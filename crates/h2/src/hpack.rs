//! HPACK (RFC 7541): a decoder whose table is dropped when the peer knows that we want none, and an encoder without a table.
//!
//! The code is ours because the one library for it, loona-hpack 0.4 (last released in 2024), makes its Huffman table anew for every
//! string and asks a hash map for every bit, which a peer can make us pay for at will.

mod decoder;
mod encoder;
mod fault;
mod huffman;
mod integer;
mod names;
mod table;

pub(crate) use decoder::Decoder;
pub(crate) use encoder::{field, status};
