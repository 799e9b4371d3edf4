//! Encoding: a parser written from the specification reads back from a message the event that went in.

mod support;

use fanfare_core::{
    Event, EventId, Message, RETRY_MS_MAX, RETRY_MS_MIN, Target,
    engine::{Draft, Prelude, RingBudget},
};
use proptest::{collection::vec, option, prelude::*};
use support::{Chunks, Dispatched, Judge, client, normalised};

const ID: EventId = EventId::new(1_767_225_600_000, 7);

fn message(event: &Event) -> Message {
    let draft = Draft::new(event.clone(), RingBudget::new(0).into());
    let bytes_max = draft.bytes_max();
    let message = draft.finish(ID);
    assert!(message.bytes() <= bytes_max, "what is reserved is enough");
    message
}

/// The event as a receiver must see it.
fn expected(event: &Event) -> Dispatched {
    Dispatched {
        kind: event.kind().unwrap_or("message").to_owned(),
        data: normalised(event.data()),
        last_id: event.own_id().map_or(ID.to_string(), str::to_owned),
    }
}

fn check(event: &Event) {
    let message = message(event);
    let mut judge = Judge::default();
    assert_eq!(judge.feed(message.sse()), [expected(event)]);
    assert!(judge.is_between_events() && judge.comments.is_empty());
    assert_eq!(judge.retries_ms, Vec::from_iter(event.retry_ms()));
    let frame = [format!("{:x}\r\n", message.sse().len()).as_bytes(), message.sse(), b"\r\n"].concat();
    assert_eq!(message.chunk(), frame);
    assert_eq!(message.bytes(), frame.len());
    assert_eq!((message.id(), message.targets()), (ID, event.targets()));
}

/// Text in which the format's special characters are as likely as all others.
fn data() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec![
        "\r",
        "\n",
        "\r\n",
        "\n\n",
        "\r\r",
        " ",
        ":",
        "\0",
        "\u{feff}",
        "data: ",
        "id: 1-1\n",
        "event: x\r",
        "\u{85}",
        "\u{2028}",
        "\u{b}",
        "0\r\n\r\n",
    ]);
    let piece = prop_oneof![special.prop_map(str::to_owned), any::<char>().prop_map(String::from), ".{0,20}"];
    vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

fn name() -> impl Strategy<Value = String> {
    let piece = prop_oneof![any::<char>(), prop::sample::select(vec![' ', ':', '\u{feff}', 'ü'])];
    vec(piece, 1..12).prop_map(|chars| chars.into_iter().filter(|c| !c.is_control()).collect::<String>())
}

fn event() -> impl Strategy<Value = Event> {
    (data(), option::of(name()), option::of(name()), option::of(RETRY_MS_MIN..=RETRY_MS_MAX)).prop_map(
        |(data, kind, own_id, retry_ms)| {
            let mut event = Event::new(Target::All, data);
            // A name that is refused is left out.
            event = kind.and_then(|kind| event.clone().with_kind(&kind).ok()).unwrap_or(event);
            event = own_id.and_then(|id| event.clone().with_own_id(&id).ok()).unwrap_or(event);
            retry_ms.map_or(event.clone(), |ms| event.with_retry_ms(ms).unwrap())
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn an_encoded_event_is_read_back_as_it_was(event in event()) {
        check(&event);
    }

    #[test]
    fn a_stream_split_anywhere_gives_the_same_events(events in vec(event(), 1..8), cuts in vec(1_usize..40, 1..20)) {
        let messages: Vec<_> = events.iter().map(message).collect();
        let client = client("u: \u{feff}");
        let prelude =
            Prelude { retry_ms: 3_000, connection: 9, client: &client, notes: &[], gap: None, cursor: None }.to_string();
        let sse = [prelude.as_bytes(), &messages.iter().map(Message::sse).collect::<Vec<_>>().concat()].concat();
        let chunked: Vec<u8> = messages.iter().flat_map(|message| message.chunk().to_vec()).collect();
        let (mut bare, mut chunks, mut framed) = (Judge::default(), Chunks::default(), Judge::default());
        let (mut from_bare, mut from_chunks) = (Vec::new(), Vec::new());
        split(&sse, &cuts).for_each(|piece| from_bare.extend(bare.feed(piece)));
        for piece in split(&chunked, &cuts) {
            chunks.feed(piece).iter().for_each(|payload| from_chunks.extend(framed.feed(payload)));
        }
        let expected: Vec<_> = events.iter().map(expected).collect();
        prop_assert_eq!(&from_bare, &expected);
        prop_assert_eq!(&from_chunks, &expected);
        prop_assert!(chunks.is_at_boundary());
        prop_assert_eq!((bare.comments.len(), bare.retries_ms[0]), (1, 3_000));
    }
}

/// `bytes` in pieces of the sizes in `cuts`, over and over.
fn split<'a>(mut bytes: &'a [u8], cuts: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut sizes = cuts.iter().cycle();
    std::iter::from_fn(move || {
        let size = (*sizes.next()?).min(bytes.len());
        let (piece, rest) = bytes.split_at(size);
        bytes = rest;
        (size > 0).then_some(piece)
    })
}

#[test]
fn awkward_data_is_read_back() {
    let texts =
        ["", " ", "  two", ":", ": comment", "\0", "\n", "\r", "\r\n", "\n\r", "\r\r\n\n", "a\n", "\na", "\u{feff}"];
    for text in texts {
        check(&Event::new(Target::All, text));
        check(&Event::new(Target::All, format!("\u{feff}{text}\u{feff}")).with_kind(" k").unwrap());
    }
}

#[test]
fn a_mebibyte_is_read_back() {
    check(&Event::new(Target::All, "x".repeat(1 << 20)));
    check(&Event::new(Target::All, "ü:\r\n".repeat((1 << 20) / 5)));
}

#[test]
fn a_message_of_every_length_around_a_new_hexadecimal_digit_is_framed() {
    for length in (0..40).chain(200..260).chain(4_050..4_100) {
        check(&Event::new(Target::All, "x".repeat(length)));
    }
}
