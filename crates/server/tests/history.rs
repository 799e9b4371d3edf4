//! The history settings: how many events are kept of each target, which of them a returning or slow client gets, and
//! which gaps it receives for the others.

mod support;

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    thread,
    time::Instant,
};

use support::{PATIENCE, Process, curl, curl_once, fanfare, run, serve, settings::limits};

/// The id of an event that is published now.
fn publish(url: &str, data: &str) -> String {
    let answer = curl_once(&["-d", data, url]);
    answer.split('"').nth(3).unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// Data of all events and gaps up to and with `last`.
fn data_until(stream: &mut Process, last: &str) -> Vec<String> {
    let mut data = Vec::new();
    loop {
        let line = stream.line_with("data: ")["data: ".len()..].to_owned();
        data.push(line);
        if data.last().is_some_and(|data| data == last) {
            return data;
        }
    }
}

/// Reads what is kept of a channel, and "live" behind it, which is not kept. While the stream still gets the kept
/// events, "live" is dropped and told as a gap. Then "live" is sent again.
fn everything(channel: &str) -> Vec<String> {
    let mut stream = curl(&[&format!("{channel}?since=earliest")]);
    while curl_once(&["-d", "live", &format!("{channel}?keep=no&wait=written")]).contains(r#""dropped":1"#) {}
    let mut data = data_until(&mut stream, "live");
    data.retain(|data| !data.contains(r#""reason":"busy""#));
    data
}

#[test]
fn what_is_kept_of_a_channel_is_what_the_first_pattern_that_matches_says() {
    let (_server, url) = serve(&[
        "--history-channel",
        "news.top=events:1,news.*=events:2",
        "--history-channel=*.none=events:0",
        "--history-events=3",
    ]);
    for (channel, kept) in [("news.top", 1), ("news.b", 2), ("news.none", 2), ("b.none", 0), ("other", 3)] {
        let channel = format!("{url}/channels/{channel}");
        for data in ["1", "2", "3", "4"] {
            publish(&channel, data);
        }
        let mut stream = curl(&[&format!("{channel}?since=earliest")]);
        publish(&channel, "live");
        let expected = [&["1", "2", "3", "4"][4 - kept..], &["live"]].concat();
        assert_eq!(data_until(&mut stream, "live"), expected, "{channel}");
    }
}

#[test]
fn limits_in_bytes_and_age_hold_and_those_of_a_pattern_go_before() {
    let limits = "large.*=bytes:1MiB,old.*=age:1ms";
    let (_server, url) = serve(&["--history-bytes=2KiB", "--history-channel", limits]);
    let large = "x".repeat(2 << 10);
    let since = everything;
    for (name, kept) in [("large.a", &["1", &large, "2", "live"][..]), ("other", &["2", "live"])] {
        let channel = format!("{url}/channels/{name}");
        for data in ["1", &large, "2"] {
            publish(&channel, data);
        }
        assert_eq!(since(&channel), kept, "{name}");
    }
    let old = format!("{url}/channels/old.a");
    publish(&old, "1");
    let deadline = Instant::now() + PATIENCE;
    while since(&old).contains(&"1".to_owned()) {
        assert!(Instant::now() < deadline, "it is kept for more than 1ms");
    }
}

#[test]
fn the_bytes_and_targets_of_the_whole_hub_are_limited() {
    let (_server, url) = serve(&[&limits(&["hub-history-bytes = '1KiB'", "history-targets = 2"])]);
    let since = |channel: &str| everything(&format!("{url}/channels/{channel}"));
    publish(&format!("{url}/channels/a"), "1");
    publish(&format!("{url}/channels/b"), "2");
    publish(&format!("{url}/channels/c"), "3");
    assert_eq!(since("c"), ["3", "live"]);
    assert_eq!(since("b"), ["2", "live"]);
    assert!(!since("a").contains(&"1".to_owned()));
    for data in ["4", "5", "6", "7", "8"] {
        publish(&format!("{url}/channels/c"), data);
    }
    let left = since("c");
    assert!(left.len() < 6 && left.ends_with(&["8".to_owned(), "live".to_owned()]), "{left:?}");
}

#[test]
fn without_history_who_comes_back_is_told_of_a_gap() {
    let (_server, url) = serve(&["--history-events", "0"]);
    let all = format!("{url}/broadcast");
    let (seen, missed) = (publish(&all, "seen"), publish(&all, "missed"));
    let mut stream = curl(&["-H", &format!("Last-Event-ID: {seen}"), &url]);
    publish(&all, "live");
    let gap = format!(r#"{{"from":"{seen}","to":"{missed}","missed":null,"reason":"expired"}}"#);
    assert_eq!(data_until(&mut stream, "live"), [gap.as_str(), "live"]);

    let mut subscriber = Process::start(fanfare().args(["subscribe", &url, "--last-event-id", &seen, "--json"]));
    let in_json = format!(r#"{{"id":null,"event":"fanfare.gap","data":"{{\"from\":\"{seen}\","#);
    let line = subscriber.line_with("\"fanfare.gap\"");
    assert!(line.starts_with(&in_json), "{line}");
}

#[test]
fn subscribe_begins_where_it_is_told_and_goes_on_from_there() {
    let (_server, url) = serve(&[]);
    let all = format!("{url}/broadcast");
    let [_, second, third] = ["1", "2", "3"].map(|data| publish(&all, data));
    let said = |options: &[&str]| {
        let (code, text) = run(fanfare().args(["subscribe", &url]).args(options));
        assert_eq!(code, 0, "{text}");
        text
    };
    assert!(said(&["--since", "earliest", "-n", "3"]).ends_with(&format!("[{third}] 3")));
    assert_eq!(said(&["--since", &second, "-n", "1"]), format!("[{third}] 3"));
    assert_eq!(said(&["--last-event-id", &second, "--since", "earliest", "-n", "1"]), format!("[{third}] 3"));
    // It did not run yet an hour ago, and says so.
    let text = said(&["--since", "1h", "-n", "1"]);
    assert!(text.contains("] 1") && text.contains("(restart)"), "{text}");
    let (code, text) = run(fanfare().args(["subscribe", &url, "--since", "yesterday"]));
    assert!(code == 1 && text.starts_with("error: Bad Request: "), "{text}");
}

/// A stream that is opened and not read until told to.
struct Slow(TcpStream);

impl Slow {
    fn open(url: &str) -> Self {
        let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"GET /sse HTTP/1.0\r\n\r\n").unwrap();
        stream.read_exact(&mut [0; 15]).unwrap();
        Self(stream)
    }

    /// Reads on until an event `end` has come. Returns the text, with the gaps on the way.
    fn read_to_end(mut self) -> String {
        let mut text = Vec::new();
        let mut piece = vec![0; 64 << 10];
        while !text.ends_with(b"data: end\n\n") {
            let length = match self.0.read(&mut piece) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                length => length.unwrap(),
            };
            assert!(length > 0, "the stream ended");
            text.extend_from_slice(&piece[..length]);
        }
        String::from_utf8(text).unwrap()
    }
}

/// Publishes more than `slow` takes without reading, then lets it read. Returns the text, and the number of events that
/// found no space.
fn overrun(url: &str, published: u64) -> (String, u64) {
    let slow = Slow::open(url);
    let all = format!("{url}/broadcast?wait=written");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "x".repeat(1 << 20)).unwrap();
    let dropped = |body: &str| -> u64 {
        let answer = curl_once(&["--data-binary", body, &all]);
        let number =
            answer.split("\"dropped\":").nth(1).and_then(|rest| rest.trim_end_matches(['}', '\n']).parse().ok());
        number.unwrap_or_else(|| panic!("{answer}"))
    };
    let body = format!("@{}", file.path().display());
    let mut lost: u64 = (0..published).map(|_| dropped(&body)).sum();
    // The last one is one that it gets.
    let reader = thread::spawn(|| slow.read_to_end());
    let deadline = Instant::now() + PATIENCE;
    loop {
        match dropped("end") {
            0 => return (reader.join().unwrap(), lost),
            more => lost += more,
        }
        assert!(Instant::now() < deadline, "it never has room again");
    }
}

/// The data of each gap.
fn gaps(text: &str) -> Vec<&str> {
    text.split("event: fanfare.gap\ndata: ").skip(1).filter_map(|rest| rest.lines().next()).collect()
}

/// A server with this policy, in which next to nothing can wait.
fn small(policy: &str) -> (Process, String) {
    let limits = limits(&["ring-messages = 1", "patience = '0s'"]);
    serve(&[&limits, "--history-bytes=64MiB", "--shards=1", "--policy", policy])
}

#[test]
fn drop_newest_tells_a_busy_gap_with_the_number() {
    let (_server, url) = small("drop-newest");
    let (text, dropped) = overrun(&url, 12);
    let gaps = gaps(&text);
    let missed = |gap: &&str| -> u64 {
        assert!(gap.ends_with(r#","reason":"busy"}"#) && gap.starts_with(r#"{"from":"#), "{gap}");
        gap.split("\"missed\":").nth(1).unwrap().split(',').next().unwrap().parse().unwrap()
    };
    assert!(dropped > 0 && !gaps.is_empty(), "{gaps:?}");
    assert_eq!(gaps.iter().map(missed).sum::<u64>(), dropped, "{gaps:?}");
}

#[test]
fn by_default_what_found_no_room_is_made_good() {
    let (_server, url) = small("repair");
    let (text, dropped) = overrun(&url, 12);
    assert_eq!((gaps(&text).len(), dropped), (0, 0), "{:?}", gaps(&text));
    assert_eq!(text.matches("data: x").count(), 12);
}
