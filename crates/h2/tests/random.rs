//! Random and kept input: however bytes are cut they mean the same, nothing panics, and nothing grows.

#[path = "../../../fuzz/every_input.rs"]
mod every_input;
mod support;

use every_input::every_input;
use proptest::{collection::vec, prelude::*};
use support::{
    peer::{GET, POST, block, frame, setting},
    properties,
};

/// Frames of which most mean something.
fn a_frame() -> impl Strategy<Value = Vec<u8>> {
    let stream = prop::sample::select(vec![0, 1, 1, 3, 3, 5, 7, 9, 2, 1 << 31 | 3]);
    let payload = prop_oneof![
        4 => prop::sample::select(vec![
            block(GET),
            block(POST),
            block(&[("x-sum", "1")]),
            vec![0x82, 0x86, 0x84, 0x41, 1, b'a'],
            vec![0x82, 0x86, 0x84, 0x41, 1, b'a', 0x40, 1, b'b', 1, b'c', 0xbe, 0xbf],
            vec![0x20],
            setting(4, 0),
            setting(4, 70_000),
            0_u32.to_be_bytes().to_vec(),
            1_u32.to_be_bytes().to_vec(),
            (u32::MAX >> 1).to_be_bytes().to_vec(),
            vec![0; 8],
            vec![b'x'; 600],
            Vec::new(),
        ]),
        1 => vec(any::<u8>(), 0..40),
    ];
    (0_u8..11, prop::sample::select(vec![0, 1, 4, 5, 8, 0x2d, 0xff]), stream, payload)
        .prop_map(|(kind, flags, stream, payload)| frame(kind, flags, stream, &payload))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn frames_mean_the_same_however_they_are_cut(frames in vec(a_frame(), 0..30)) {
        properties::frames(&frames.concat());
    }

    #[test]
    fn bytes_mean_the_same_however_they_are_cut(bytes in vec(any::<u8>(), 0..200)) {
        properties::frames(&bytes);
        properties::heads(&bytes);
    }

    #[test]
    fn blocks_never_do_harm(blocks in vec(vec(prop_oneof![any::<u8>(), 0x3e_u8..0x45, 0x82_u8..0x88, 0xbe_u8..0xc0], 0..60), 1..5)) {
        let framed: Vec<_> = blocks.iter().flat_map(|block| [&[0, block.len() as u8], &block[..]].concat()).collect();
        properties::heads(&framed);
    }
}

#[test]
fn it_holds_for_all_that_fuzzing_has_kept() {
    every_input("h2_frames", 8, properties::frames);
    every_input("h2_heads", 5, properties::heads);
}
