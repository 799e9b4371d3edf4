//! The parser and the judge, which was written from the standard alone, read the same in random streams, wherever these
//! are cut.

mod support;

use std::{fs, panic::catch_unwind, path::Path};

use fanfare_sse::{Item, Limits, Parser};
use proptest::{collection::vec, prelude::*};
use support::{
    EVERYTHING,
    agree::{agree, split},
};

static SMALL: Limits = Limits { data_bytes: 6, id_bytes: 2, kind_bytes: 3, comment_bytes: 0 };

/// Bytes in which what is special to the format is as likely as all else.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let special = prop::sample::select(vec![
        &b"\n"[..],
        b"\n",
        b"\n\n",
        b"\r",
        b"\r\n",
        b":",
        b" ",
        b"\0",
        b"\xef\xbb\xbf",
        b"\xff",
        b"\xe2\x82",
        b"data",
        b"data: ",
        b"data:x",
        b"id",
        b"id: ",
        b"id:7",
        b"event: ",
        b"event:t",
        b"retry: ",
        b"retry:10",
        b": note",
    ]);
    let any_bytes = vec(any::<u8>(), 0..4);
    vec(prop_oneof![6 => special.prop_map(<[u8]>::to_vec), 1 => any_bytes], 0..60).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn the_parser_and_the_judge_read_the_same(stream in stream(), cuts in vec(1_usize..20, 1..10)) {
        agree(&stream, &cuts, &EVERYTHING);
    }

    #[test]
    fn limits_cut_what_is_kept_and_change_nothing_else(stream in stream(), cuts in vec(1_usize..20, 1..10)) {
        // An id that is too long is an empty one, whether there is a NUL in it or not.
        let stream: Vec<_> = stream.into_iter().filter(|byte| *byte != 0).collect();
        let mut whole = Vec::new();
        Parser::new(&EVERYTHING).feed(&stream, |item| {
            if let Item::Event(event) = item {
                let id = event.id.map(|id| if id.len() > SMALL.id_bytes { Vec::new() } else { id.to_vec() });
                let (kind, data) = (event.kind, event.data);
                let kind = if kind == b"message" { kind } else { &kind[..kind.len().min(SMALL.kind_bytes)] };
                let kept = &data[..data.len().min(SMALL.data_bytes)];
                whole.push((id, kind.to_vec(), kept.to_vec(), event.data_bytes));
            }
        });
        let (mut parser, mut seen) = (Parser::new(&SMALL), Vec::new());
        for piece in split(&stream, &cuts) {
            parser.feed(piece, |item| {
                if let Item::Event(event) = item {
                    seen.push((event.id.map(<[u8]>::to_vec), event.kind.to_vec(), event.data.to_vec(), event.data_bytes));
                }
            });
        }
        prop_assert_eq!(seen, whole);
    }
}

#[test]
fn they_agree_about_all_that_fuzzing_has_kept() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/streams");
    let mut inputs = 0;
    for entry in fs::read_dir(&corpus).unwrap() {
        let path = entry.unwrap().path();
        let stream = fs::read(&path).unwrap();
        let agreed = catch_unwind(|| (1..=stream.len()).for_each(|cut| agree(&stream, &[cut], &EVERYTHING)));
        assert!(agreed.is_ok(), "they do not about {}", path.display());
        inputs += 1;
    }
    assert!(inputs >= 24, "only {inputs} inputs in {}", corpus.display());
}
