//! The same case against both outlets of HTTP/1.1. Subscribers must get the same, byte for byte, once chunks are taken
//! off and everything that differs from run to run is masked.
//!
//! The plain way through hyper is therefore the reference for the taken-over socket, at its end too.

mod support;

use support::{
    rng::Rng,
    server::{Server, Way, config},
    stream::Stream,
};

const PUBLISHES: usize = 150;
const DATA_BYTES_MAX: usize = 100 << 10;

/// One publish.
struct Step {
    path: String,
    body: Vec<u8>,
}

/// Publishes made up from `seed`. Most are small.
fn script(seed: u64) -> Vec<Step> {
    let mut rng = Rng::new(seed);
    let steps = (0..PUBLISHES).map(|number| {
        let path = *rng.pick(&[
            "/broadcast",
            "/channels/a/broadcast",
            "/channels/b",
            "/clients/ann",
            "/clients/bob",
            "/ping/ann",
        ]);
        let mut options = Vec::new();
        for option in ["event=price", "retry=1234", "keep=no", "encoding=base64", "wait=written"] {
            if rng.below(5) == 0 {
                options.push(option.to_owned());
            }
        }
        if rng.below(4) == 0 {
            options.push(format!("id=own+{number}"));
        }
        Step { path: format!("{path}?{}", options.join("&")), body: body(&mut rng) }
    });
    steps.collect()
}

fn body(rng: &mut Rng) -> Vec<u8> {
    let len = match rng.below(10) {
        0 => rng.below(DATA_BYTES_MAX + 1),
        1 => 0,
        _ => rng.below(300),
    };
    let alphabet: &[u8] = match rng.below(4) {
        0 => b"a\r\n",
        1 => b"\xff\x00bytes",
        _ => b"some text with spaces: and {\"json\": 1}",
    };
    (0..len).map(|_| *rng.pick(alphabet)).collect()
}

/// Replaces everything that differs from run to run: ids made of the time, connection numbers, made-up names, times to
/// return.
fn masked(bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes).unwrap();
    let lines = text.split('\n').enumerate().map(|(at, line)| {
        let is_event_id =
            |id: &str| id.split_once('-').is_some_and(|(ms, n)| [ms, n].iter().all(|part| part.parse::<u64>().is_ok()));
        match line.split_once(' ') {
            Some(("retry:", ms)) if ms != "1234" => "retry: MS",
            Some((":", _)) if at == 1 => ": connection N client C",
            Some(("id:", id)) if is_event_id(id) => "id: ID",
            _ => line,
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The path of each subscriber and the stream that it got.
fn run(way: Way, steps: &[Step]) -> Vec<(String, String)> {
    let mut config = config(way);
    // Whoever reads late must still get everything.
    config.core.ring_messages_max = 1_024;
    config.core.ring_bytes_max = 64 << 20;
    let server = Server::start(way, config);
    let paths =
        ["/sse?id=ann&channel=a", "/channels/b?id=bob&channel=a", "/sse", "/sse?id=ann&channel=b", "/channels/a"];
    let (late, prompt) = paths.split_at(2);
    let mut late: Vec<_> = late.iter().map(|path| (*path, server.h1(path))).collect();
    let prompt: Vec<_> = prompt.iter().map(|path| (*path, server.h1(path))).collect();
    let readers: Vec<_> = prompt
        .into_iter()
        .map(|(path, mut stream)| std::thread::spawn(move || (path.to_owned(), to_the_end(&mut stream))))
        .collect();
    for step in steps {
        server.publish(&step.path, &step.body);
    }
    let mut ends = Vec::new();
    let late = std::thread::spawn(move || {
        late.iter_mut().map(|(path, stream)| (path.to_string(), to_the_end(stream))).collect::<Vec<_>>()
    });
    assert_eq!(server.drain().cut, 0, "{way:?}");
    ends.extend(late.join().unwrap());
    ends.extend(readers.into_iter().map(|reader| reader.join().unwrap()));
    ends
}

fn to_the_end(stream: &mut Stream) -> String {
    stream.prelude();
    while stream.next().is_some() {}
    masked(&stream.bytes)
}

#[test]
fn both_outlets_send_the_same_bytes_for_the_same_publishes() {
    for seed in [1, 20_261_120, 0xfa4_fa4e] {
        let steps = script(seed);
        let (socket, body) = (run(Way::Socket, &steps), run(Way::Body, &steps));
        assert_eq!(socket.len(), body.len());
        for ((path, socket), (same_path, body)) in socket.iter().zip(&body) {
            assert_eq!(path, same_path);
            let differs = socket.bytes().zip(body.bytes()).position(|(one, other)| one != other);
            let around = |text: &str, at: usize| text.chars().skip(at.saturating_sub(80)).take(160).collect::<String>();
            if let Some(at) = differs {
                panic!("seed {seed}, {path}, byte {at}: {:?} and {:?}", around(socket, at), around(body, at));
            }
            assert_eq!(socket.len(), body.len(), "seed {seed}, {path}");
            assert!(socket.ends_with("\n\nretry: MS\n"), "{path} ends with its last line");
        }
        let events = |stream: &str| stream.matches("\n\n").count();
        assert!(events(&socket[0].1) > PUBLISHES / 4, "the case says something");
    }
}
