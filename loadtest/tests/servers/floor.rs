//! The floor, over real sockets: every subscriber gets every event once and in order, slow ones too, and leaving or
//! asking wrongly disturbs nobody.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::started::{Floor, PATIENCE};

impl Floor {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends the request and reads the whole answer, up to the close.
    fn refuses(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(request).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn subscribe(&self) -> Stream {
        let mut stream = self.connect();
        stream.write_all(b"GET /any?thing HTTP/1.1\r\nHost: floor\r\n\r\n").unwrap();
        let mut stream = Stream(BufReader::new(stream));
        let head = stream.head();
        assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("content-type: text/event-stream\r\n"), "{head}");
        assert!(head.contains("transfer-encoding: chunked\r\n"), "{head}");
        stream
    }

    fn publisher(&self) -> Publisher {
        Publisher(Stream(BufReader::new(self.connect())))
    }
}

/// The reading end of a connection.
struct Stream(BufReader<TcpStream>);

impl Stream {
    /// Everything up to and with the blank line.
    fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.0.read_line(&mut head).unwrap() > 0, "closed inside a head: {head:?}");
        }
        head
    }

    /// The next chunk, which is one event: its id and its data.
    fn event(&mut self) -> (String, String) {
        let mut size = String::new();
        self.0.read_line(&mut size).unwrap();
        let size_bytes = usize::from_str_radix(size.trim_end(), 16).unwrap_or_else(|_| panic!("{size:?}"));
        let mut chunk = vec![0; size_bytes + 2];
        self.0.read_exact(&mut chunk).unwrap();
        let chunk = String::from_utf8(chunk).unwrap();
        let (id, data) = chunk.strip_suffix("\n\n\r\n").unwrap().split_once("\ndata: ").unwrap();
        (id.strip_prefix("id: ").unwrap().to_owned(), data.to_owned())
    }
}

/// A kept-alive connection that publishes.
struct Publisher(Stream);

impl Publisher {
    fn publish(&mut self, data: &str) {
        let request = format!("POST /any HTTP/1.1\r\nHost: floor\r\nContent-Length: {}\r\n\r\n{data}", data.len());
        self.0.0.get_mut().write_all(request.as_bytes()).unwrap();
        assert_eq!(self.0.head(), "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n");
    }
}

#[test]
fn two_subscribers_get_three_events_in_order() {
    let floor = Floor::start();
    let mut subscribers = [floor.subscribe(), floor.subscribe()];
    let mut publisher = floor.publisher();
    for data in ["one", "", "{\"three\":3}"] {
        publisher.publish(data);
    }
    let [first, second] =
        subscribers.each_mut().map(|subscriber| [subscriber.event(), subscriber.event(), subscriber.event()]);
    assert_eq!(first, second);
    assert_eq!(first.each_ref().map(|(_, data)| data.as_str()), ["one", "", "{\"three\":3}"]);
    let ids = first.map(|(id, _)| {
        let (ms, number) = id.split_once('-').unwrap();
        (ms.parse::<u64>().unwrap(), number.parse::<u64>().unwrap())
    });
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
}

#[test]
fn who_reads_late_gets_everything_and_holds_up_nobody() {
    // 40 MB: more than any socket's buffers, less than the bytes that may wait.
    const EVENTS: usize = 40;
    let floor = Floor::start();
    let mut late = floor.subscribe();
    let mut prompt = floor.subscribe();
    let reader = std::thread::spawn(move || (0..EVENTS).map(|_| prompt.event().1.len()).sum::<usize>());
    let mut publisher = floor.publisher();
    let data = |number: usize| format!("{number} ").repeat(1_000_000)[..1_000_000].to_owned();
    for number in 0..EVENTS {
        publisher.publish(&data(number));
    }
    assert_eq!(reader.join().unwrap(), EVENTS * 1_000_000);
    for number in 0..EVENTS {
        assert!(late.event().1 == data(number), "event {number}");
    }
    // Live again once it has caught up.
    publisher.publish("live");
    assert_eq!(late.event().1, "live");
}

#[test]
fn who_never_reads_is_closed_at_the_limit_and_the_others_are_not() {
    // The limit of 64 MiB, and more than the socket's buffers at both ends can hold beside it.
    const EVENTS: usize = 90;
    let floor = Floor::start();
    let mut stuck = floor.subscribe();
    let mut prompt = floor.subscribe();
    let reader = std::thread::spawn(move || (0..EVENTS).map(|_| prompt.event().1.len()).sum::<usize>());
    let mut publisher = floor.publisher();
    for _ in 0..EVENTS {
        publisher.publish(&"x".repeat(1_000_000));
    }
    assert_eq!(reader.join().unwrap(), EVENTS * 1_000_000);
    let mut rest = Vec::new();
    // The stream ends, in any way, before the last event: nothing is skipped in the middle of a stream.
    let _ = stuck.0.read_to_end(&mut rest);
    assert!(rest.len() < 64 << 20, "{}", rest.len());
}

#[test]
fn who_leaves_is_forgotten_and_the_place_is_taken_again() {
    let floor = Floor::start();
    let (left, mut stays) = (floor.subscribe(), floor.subscribe());
    let mut publisher = floor.publisher();
    drop(left);
    for number in 0..100 {
        publisher.publish(&number.to_string());
    }
    let mut comes = floor.subscribe();
    publisher.publish("last");
    for number in 0..100 {
        assert_eq!(stays.event().1, number.to_string());
    }
    assert_eq!((stays.event().1.as_str(), comes.event().1.as_str()), ("last", "last"));
}

#[test]
fn requests_may_come_in_pieces_and_many_at_once() {
    let floor = Floor::start();
    let mut subscriber = floor.subscribe();
    let mut publisher = floor.publisher();
    let one = b"POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello";
    for cut in [3, 20, one.len() - 1] {
        publisher.0.0.get_mut().write_all(&one[..cut]).unwrap();
        publisher.0.0.get_mut().write_all(&[&one[cut..], one].concat()).unwrap();
        for _ in 0..2 {
            assert!(publisher.0.head().starts_with("HTTP/1.1 202 "));
            assert_eq!(subscriber.event().1, "hello");
        }
    }
}

#[test]
fn what_is_no_subscribe_and_no_publish_is_refused_and_disturbs_nobody() {
    let floor = Floor::start();
    let mut subscriber = floor.subscribe();
    for (request, status) in [
        ("PUT / HTTP/1.1\r\n\r\n", "405"),
        ("hello\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na\nb", "400"),
        ("POST / HTTP/1.1\r\nContent-Length: 16777217\r\n\r\n", "400"),
    ] {
        let answer = floor.refuses(request.as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {answer:?}");
        assert!(answer.contains("connection: close\r\n"), "{answer:?}");
    }
    let long_head = format!("GET / HTTP/1.1\r\nx: {}", "x".repeat(16 << 10));
    assert!(floor.refuses(long_head.as_bytes()).starts_with("HTTP/1.1 400 "));
    floor.publisher().publish("still here");
    assert_eq!(subscriber.event().1, "still here");
}
