//! Attacks that end the connection of the attacker.

use crate::{
    WAYS, World,
    attacker::Attacker,
    support::frames::{DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, SETTINGS, frame, request},
};

const PRIORITY: u8 = 2;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const ACK: u8 = 1;

const PROTOCOL_ERROR: u32 = 1;
const FLOW_CONTROL_ERROR: u32 = 3;
const STREAM_CLOSED: u32 = 5;
const FRAME_SIZE_ERROR: u32 = 6;
const COMPRESSION_ERROR: u32 = 9;
const ENHANCE_YOUR_CALM: u32 = 11;

/// More than any attack may take.
const STEPS_MAX: u32 = 200_000;
/// Frames that are said together.
const STEPS_TOGETHER: u32 = 50;
/// Heap that an attack may take while it lasts, with the buffers of the test's relay.
const ATTACK_BYTES_MAX: usize = 2 << 20;

/// What one attacker says.
struct Attack {
    name: &'static str,
    /// Said first.
    begin: fn() -> Vec<u8>,
    /// Said again and again, with the number of the step, until the connection is over. Nothing: the beginning is enough.
    step: fn(u32) -> Vec<u8>,
    code: u32,
}

fn nothing() -> Vec<u8> {
    Vec::new()
}

fn no_step(_: u32) -> Vec<u8> {
    Vec::new()
}

/// The stream of a step, which no other step has.
fn own(step: u32) -> u32 {
    2 * step + 3
}

fn get(stream: u32) -> Vec<u8> {
    request(stream, b"GET", b"/sse?id=attacker", &[], None)
}

/// A publish whose body is to come.
fn open_post(stream: u32) -> Vec<u8> {
    let mut head = request(stream, b"POST", b"/broadcast", &[], Some(b""));
    // Without the empty DATA frame that ends it.
    head.truncate(head.len() - 9);
    head
}

fn cancel(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])
}

fn window(stream: u32, increment: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &increment.to_be_bytes())
}

/// Settings with the window of new streams.
fn initial_window(bytes: u32) -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[&[0, 4][..], &bytes.to_be_bytes()].concat())
}

/// The fields of a request, and then `more` bytes of its block.
fn head_with(stream: u32, more: &[u8]) -> Vec<u8> {
    let whole = get(stream);
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &[&whole[9..], more].concat())
}

/// A field of 4 KiB for the table that a client has before it knows that ours is empty, and thousands of references to it.
fn bomb(stream: u32) -> Vec<u8> {
    let field = [&b"\x40\x01a\x7f\xd1\x1e"[..], &[b'x'; 4_048 - 16]].concat();
    head_with(stream, &[&field[..], &[0xbe; 12_000]].concat())
}

/// A head with a field of 16,200 bytes: more than a head may have.
fn long_head(stream: u32) -> Vec<u8> {
    head_with(stream, &[&b"\x00\x01x\x7f\xc9\x7d"[..], &[b'x'; 16_200]].concat())
}

const ATTACKS: &[Attack] = &[
    Attack {
        name: "rapid reset (CVE-2023-44487)",
        begin: nothing,
        step: |step| [get(own(step)), cancel(own(step))].concat(),
        code: ENHANCE_YOUR_CALM,
    },
    Attack {
        name: "made-you-reset (CVE-2025-8671) by windows of nothing",
        begin: nothing,
        step: |step| [open_post(own(step)), window(own(step), 0)].concat(),
        code: ENHANCE_YOUR_CALM,
    },
    Attack {
        name: "made-you-reset by windows that are too large",
        begin: nothing,
        step: |step| [open_post(own(step)), window(own(step), i32::MAX as u32)].concat(),
        code: ENHANCE_YOUR_CALM,
    },
    Attack {
        name: "made-you-reset by malformed requests",
        begin: nothing,
        step: |step| request(own(step), b"GET", b"", &[(b"connection", b"close")], None),
        code: ENHANCE_YOUR_CALM,
    },
    Attack {
        name: "CONTINUATION without an end (CVE-2024-27316), empty",
        begin: || frame(HEADERS, 0, 1, &[]),
        step: |_| frame(CONTINUATION, 0, 1, &[]),
        code: ENHANCE_YOUR_CALM,
    },
    Attack {
        name: "CONTINUATION without an end, full",
        begin: || frame(HEADERS, 0, 1, &[]),
        step: |_| frame(CONTINUATION, 0, 1, &[0; 16_384]),
        code: ENHANCE_YOUR_CALM,
    },
    Attack {
        name: "SETTINGS (CVE-2019-9515)",
        begin: nothing,
        step: |_| initial_window(65_535),
        code: ENHANCE_YOUR_CALM,
    },
    Attack {
        name: "acknowledgements of SETTINGS",
        begin: nothing,
        step: |_| frame(SETTINGS, ACK, 0, &[]),
        code: ENHANCE_YOUR_CALM,
    },
    Attack {
        name: "PING (CVE-2019-9512)",
        begin: nothing,
        step: |_| frame(PING, 0, 0, &[0; 8]),
        code: ENHANCE_YOUR_CALM,
    },
    Attack {
        name: "PRIORITY (CVE-2019-9513)",
        begin: nothing,
        step: |step| frame(PRIORITY, 0, own(step), &[0, 0, 0, 0, 1]),
        code: ENHANCE_YOUR_CALM,
    },
    Attack {
        name: "empty DATA (CVE-2019-9518)",
        begin: || open_post(1),
        step: |_| frame(DATA, 0, 1, &[]),
        code: ENHANCE_YOUR_CALM,
    },
    Attack {
        name: "frames of a type that nobody knows",
        begin: nothing,
        step: |_| frame(0x77, 0, 1, &[0; 1_000]),
        code: ENHANCE_YOUR_CALM,
    },
    Attack {
        name: "GOAWAY, again and again",
        begin: nothing,
        step: |_| frame(GOAWAY, 0, 0, &[0; 8]),
        code: ENHANCE_YOUR_CALM,
    },
    Attack {
        name: "a window that opens byte by byte (CVE-2019-9511)",
        begin: || [initial_window(0), request(1, b"GET", b"/", &[(b"accept", b"text/html")], None)].concat(),
        step: |_| window(1, 1),
        code: ENHANCE_YOUR_CALM,
    },
    Attack {
        name: "a window of more than 2^31-1 bytes for the connection",
        begin: nothing,
        step: |_| window(0, i32::MAX as u32),
        code: FLOW_CONTROL_ERROR,
    },
    Attack {
        name: "a window of more than 2^31-1 bytes by a setting",
        begin: || initial_window(1 << 31),
        step: no_step,
        code: FLOW_CONTROL_ERROR,
    },
    Attack {
        name: "a bomb of indexed fields (CVE-2016-6581)",
        begin: nothing,
        step: |step| bomb(own(step)),
        code: ENHANCE_YOUR_CALM,
    },
    Attack {
        name: "a field of a table that has nothing",
        begin: || [frame(SETTINGS, ACK, 0, &[]), head_with(1, &[0xbe])].concat(),
        step: no_step,
        code: COMPRESSION_ERROR,
    },
    Attack {
        name: "a number of HPACK that never ends",
        begin: || head_with(1, &[0xff; 200]),
        step: no_step,
        code: COMPRESSION_ERROR,
    },
    Attack {
        name: "heads that are too large",
        begin: nothing,
        step: |step| long_head(own(step)),
        code: ENHANCE_YOUR_CALM,
    },
    Attack {
        name: "a frame that is too large",
        begin: || frame(PING, 0, 0, &[0; 16_385]),
        step: no_step,
        code: FRAME_SIZE_ERROR,
    },
    Attack {
        name: "an own push",
        begin: || frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2]),
        step: no_step,
        code: PROTOCOL_ERROR,
    },
    Attack { name: "a request on a stream of the server's", begin: || get(2), step: no_step, code: PROTOCOL_ERROR },
    Attack { name: "a reset of what never was", begin: || cancel(1), step: no_step, code: PROTOCOL_ERROR },
    Attack { name: "a body of no stream", begin: || frame(DATA, 0, 0, b"x"), step: no_step, code: PROTOCOL_ERROR },
    Attack {
        name: "a body behind the end of its request",
        begin: || get(1),
        step: |_| frame(DATA, 0, 1, &[b'x'; 100]),
        code: STREAM_CLOSED,
    },
];

/// Attacks until the server ends the connection. Returns the most heap that was seen meanwhile.
fn run(attack: &Attack, world: &World, attacker: &mut Attacker) -> usize {
    let mut most = 0;
    attacker.say(&(attack.begin)());
    for first in (0..STEPS_MAX).step_by(STEPS_TOGETHER as usize) {
        let together: Vec<u8> = (first..first + STEPS_TOGETHER).flat_map(attack.step).collect();
        if together.is_empty() || !attacker.say(&together) {
            break;
        }
        most = most.max(world.grown_bytes());
    }
    most
}

fn assert_ends(world: &mut World, attack: &Attack) {
    let mut attacker = world.attacker();
    let most = run(attack, world, &mut attacker);
    attacker.until_ended();
    assert_eq!(attacker.code(), Some(attack.code), "{}", attack.name);
    assert!(most < ATTACK_BYTES_MAX, "{} holds {most} bytes", attack.name);
    drop(attacker);
    world.server.until_matched("attacker", 0);
    world.assert_untouched();
}

#[test]
fn each_ends_with_its_reason_and_touches_nobody() {
    for way in WAYS {
        let mut world = World::new(way);
        ATTACKS.iter().for_each(|attack| assert_ends(&mut world, attack));
    }
}
