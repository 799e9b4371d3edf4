//! What holds for all bytes that a peer may send. The fuzz targets h2_frames and h2_heads hold it too.

#![allow(dead_code, reason = "each fuzz target uses its own part")]

use std::{io::IoSlice, sync::Arc};

use fanfare_h2::{Connection, Event, Limits};
use http::Response;

const LIMITS: Limits =
    Limits { streams_max: 3, head_bytes_max: 2_000, stream_window_bytes: 1_000, connection_window_bytes: 1 };

/// The start of a good connection.
const START: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// More than a peer can have us keep, if nobody reads our output: answers, and the data of one write for each event.
const OUTPUT_MAX: usize = 200_000;

/// All that a connection says about `bytes` which come in pieces of `cuts` in turn: the events, what is to be sent, how it ends.
pub(crate) fn said(bytes: &[u8], cuts: &[usize]) -> (String, Vec<u8>) {
    let mut connection = Connection::new(Arc::new(LIMITS));
    let (mut said, mut events, mut rest) = (String::new(), Vec::new(), bytes);
    for cut in cuts.iter().cycle() {
        let (piece, after) = rest.split_at((*cut).min(rest.len()));
        let outcome = connection.receive(piece, &mut events);
        assert!(connection.output().len() < OUTPUT_MAX);
        for event in events.drain(..) {
            said += &format!("{event:?}\n");
        }
        if let Err(broken) = outcome {
            said += &broken.to_string();
            assert_eq!(connection.receive(b"", &mut events), Err(broken));
            break;
        }
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    assert!(connection.streams() <= LIMITS.streams_max as usize);
    (said, connection.output().to_vec())
}

/// Bytes after a good start mean the same however they are cut, and nothing panics.
pub(crate) fn frames(input: &[u8]) {
    let bytes = [START, input].concat();
    let whole = said(&bytes, &[usize::MAX]);
    for cuts in [&[1][..], &[7], &[9, 1, 300]] {
        assert_eq!(said(&bytes, cuts), whole);
    }
    served(&bytes);
}

/// An application that answers all, takes all and ends all gets on with whatever comes.
fn served(bytes: &[u8]) {
    let mut connection = Connection::new(Arc::new(LIMITS));
    let mut events = Vec::new();
    let head = Response::new(()).into_parts().0;
    for (count, piece) in bytes.chunks(50).enumerate() {
        let outcome = connection.receive(piece, &mut events);
        for event in events.drain(..) {
            match event {
                Event::Request { stream, request, .. } => {
                    assert!(request.headers().len() <= LIMITS.head_bytes_max / 32);
                    // It may be gone by the next event.
                    let _ = connection.head(stream, &head, count % 5 == 0);
                    let _ = connection.write(stream, &[IoSlice::new(&[b'x'; 500])], 1_000);
                }
                Event::Data { stream, bytes, is_end } => {
                    connection.took(stream, bytes.len());
                    if is_end {
                        let _ = connection.end(stream);
                    }
                }
                Event::Room { stream } => drop(connection.write(stream, &[IoSlice::new(&[b'x'; 500])], 100)),
                Event::Reset { .. } => {}
            }
        }
        connection.rooms(&mut events);
        events.clear();
        connection.sent(if count % 3 == 0 { connection.output().len() } else { 0 });
        if outcome.is_err() {
            return;
        }
    }
}

/// The input is the blocks of heads, each with its length in two bytes before it.
pub(crate) fn heads(input: &[u8]) {
    let (mut bytes, mut rest, mut stream) = (START.to_vec(), input, 1_u32);
    while let [high, low, blocks @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(blocks.len()).min(16_384);
        let (block, after) = blocks.split_at(length);
        bytes.extend((length as u32).to_be_bytes().get(1..).unwrap_or_default());
        bytes.extend([1, 5]);
        bytes.extend(stream.to_be_bytes());
        bytes.extend(block);
        (rest, stream) = (after, stream + 2);
    }
    assert_eq!(said(&bytes, &[5]), said(&bytes, &[usize::MAX]));
    served(&bytes);
}
