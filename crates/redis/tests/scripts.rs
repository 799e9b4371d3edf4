//! The scripts, run by a real server: what is appended and what is not, and when a Stream has gone back.

mod support;

use support::{RedisServer, Reply, Session, until};

const APPEND: &str = include_str!("../src/scripts/append.lua");
const ATTACH: &str = include_str!("../src/scripts/attach.lua");
const LEASE: &str = include_str!("../src/scripts/lease.lua");
const TRIM: &str = include_str!("../src/scripts/trim.lua");
const RELEASE: &str = include_str!("../src/scripts/release.lua");
const KEYS: [&str; 5] = ["{f}:events", "{f}:meta", "{f}:keys", "{f}:ages", "{f}:lease"];
const EVENTS: &str = KEYS[0];

struct Redis {
    server: RedisServer,
    session: Session,
    /// Milliseconds of the newest id that the node has read.
    read_ms: String,
    /// Name of the server's process.
    run: &'static str,
}

/// Where a node stands: the id, epoch and number of an entry. It has read no further.
type Seen<'a> = (&'a str, &'a str, u64);

struct Attached {
    epoch: String,
    n: u64,
    lost: String,
    last: String,
}

impl Redis {
    fn start() -> Self {
        let server = RedisServer::start(&[]);
        Self { session: server.session(), server, read_ms: "0".to_owned(), run: "" }
    }

    fn script(&mut self, text: &str, arguments: &[&str]) -> Reply {
        let command = [&["EVAL", text, "5"], &KEYS[..], arguments].concat();
        self.session.call(&command).unwrap()
    }

    /// Appends these events (data, key) as node `n`, whose first has the number 100.
    fn append_with(&mut self, token: &str, keys_max: u64, window_ms: u64, events: &[(&str, &str)]) -> Reply {
        let (keys_max, window_ms, read_ms) = (keys_max.to_string(), window_ms.to_string(), self.read_ms.clone());
        let mut arguments = vec!["1000", &keys_max, &window_ms, "epoch", token, &read_ms, "n", "100"];
        for (data, key) in events {
            arguments.extend(["head", data, key, "7"]);
        }
        self.script(APPEND, &arguments)
    }

    /// The answer as texts.
    fn append(&mut self, events: &[(&str, &str)]) -> Vec<String> {
        self.append_with("", 100, 60_000, events).ok().items().iter().map(Reply::text).collect()
    }

    fn attach(&mut self, seen: Option<Seen<'_>>) -> Attached {
        let n = seen.map(|(.., n)| n.to_string()).unwrap_or_default();
        let arguments = match &seen {
            Some((id, epoch, _)) => vec!["fresh", self.run, *id, *epoch, n.as_str(), *id],
            None => vec!["fresh", self.run],
        };
        let reply = self.script(ATTACH, &arguments).ok();
        let text = |at: usize| reply.items()[at].text();
        Attached { epoch: text(0), n: text(1).parse().unwrap(), lost: text(3), last: text(4) }
    }

    /// Whether a node that has seen this is told that events may be lost.
    fn has_gone_back(&mut self, seen: Seen<'_>) -> bool {
        let before = self.entries();
        let attached = self.attach(Some(seen));
        let after = self.entries();
        let is_told = after.len() > before.len();
        if is_told {
            let (id, fields) = after.last().unwrap();
            assert_eq!((id, &attached.lost, fields[2].as_str()), (&attached.last, id, "lost"));
            assert!(is_above(id, seen.0), "{id} {}", seen.0);
        }
        is_told
    }

    fn entries(&mut self) -> Vec<(String, Vec<String>)> {
        let reply = self.session.call(&["XRANGE", EVENTS, "-", "+"]).unwrap().ok();
        let fields = |fields: &Reply| fields.items().iter().map(Reply::text).collect();
        reply.items().iter().map(|entry| (entry.items()[0].text(), fields(&entry.items()[1]))).collect()
    }

    fn call(&mut self, command: &[&str]) -> Reply {
        self.session.call(command).unwrap().ok()
    }
}

fn is_above(a: &str, b: &str) -> bool {
    let parts = |id: &str| id.split_once('-').map(|(ms, n)| (ms.parse::<u64>().unwrap(), n.parse::<u64>().unwrap()));
    parts(a) > parts(b)
}

#[test]
fn events_are_numbered_without_a_gap_and_say_who_appended_them() {
    let mut redis = Redis::start();
    let first = redis.append(&[("a", ""), ("b", "")]);
    let second = redis.append(&[("c", "")]);
    let entries = redis.entries();
    assert_eq!((first.len(), &first[0], &second[0]), (1, &entries[1].0, &entries[2].0));
    let fields = |n: u64, number: u64, data: &str| {
        let bytes = n * (80 + 5);
        ["at", &format!("epoch:{n}:{bytes}:n:{number}"), "head", "head", "data", data].map(str::to_owned).to_vec()
    };
    let expected = [fields(1, 100, "a"), fields(2, 101, "b"), fields(3, 100, "c")];
    assert_eq!(entries.iter().map(|(_, fields)| fields.clone()).collect::<Vec<_>>(), expected);
    assert_eq!(redis.append(&[]), [""]);
}

#[test]
fn a_key_that_has_come_before_is_answered_and_not_appended() {
    let mut redis = Redis::start();
    let id = redis.append(&[("a", "k")])[0].clone();
    let again = redis.append(&[("x", ""), ("a", "k"), ("b", "k"), ("y", "")]);
    assert_eq!(again[1..], ["1", &id, "7", "2", "", "0"]);
    let entries = redis.entries();
    assert_eq!(again[0], entries[2].0);
    let at: Vec<_> = entries.iter().map(|(_, fields)| fields[1].as_str()).collect();
    assert_eq!(at, ["epoch:1:85:n:100", "epoch:2:170:n:100", "epoch:3:255:n:103"]);
    let twice_at_once = redis.append(&[("z", "l"), ("z", "l")]);
    assert_eq!(twice_at_once, [&twice_at_once[0], "1", &twice_at_once[0], "7"]);
}

#[test]
fn keys_are_forgotten_when_they_are_too_many_or_too_old() {
    let mut redis = Redis::start();
    for key in ["a", "b", "c"] {
        redis.append_with("", 2, 60_000, &[("x", key)]).ok();
    }
    assert_eq!((redis.call(&["HLEN", KEYS[2]]).int(), redis.call(&["ZCARD", KEYS[3]]).int()), (2, 2));
    assert_eq!(redis.append_with("", 2, 60_000, &[("x", "b"), ("x", "c")]).ok().items().len(), 7);
    assert_eq!(redis.append_with("", 2, 60_000, &[("x", "a")]).ok().items().len(), 1, "the oldest was forgotten");
    until("they are older than a millisecond, and forgotten", || {
        redis.append_with("", 2, 1, &[]).ok();
        redis.call(&["HLEN", KEYS[2]]).int() == 0
    });
    assert_eq!(redis.call(&["ZCARD", KEYS[3]]).int(), 0);
    redis.append_with("", 0, 60_000, &[("x", "k"), ("x", "k")]).ok();
    assert_eq!(redis.call(&["HLEN", KEYS[2]]).int(), 0, "none is remembered");
}

#[test]
fn a_key_takes_as_much_of_redis_whatever_it_is_and_whatever_its_event_is() {
    let mut redis = Redis::start();
    let (long, large) = ("k".repeat(60_000), "x".repeat(1_000_000));
    redis.append_with("", 10, 60_000, &[("x", "k"), (&large, &long)]).ok();
    let known = redis.call(&["HGETALL", KEYS[2]]);
    assert_eq!(known.items().len(), 4);
    for pair in known.items().chunks(2) {
        assert_eq!(pair[0].text().len(), 40);
        assert!(pair[1].text().len() < 100, "{:?}", pair[1]);
    }
    let ages = redis.call(&["ZRANGE", KEYS[3], "0", "-1"]);
    assert!(ages.items().iter().all(|digest| digest.text().len() == 40), "{ages:?}");
}

#[test]
fn a_key_of_another_type_is_an_error_and_nothing_is_appended() {
    for (at, key) in KEYS.iter().enumerate() {
        let mut redis = Redis::start();
        redis.call(&["RPUSH", key, "x"]);
        let error = redis.script(ATTACH, &["fresh", ""]);
        let error = error.error().unwrap_or_default();
        assert!(error.contains("WRONGTYPE") && error.contains(key) && error.contains("is a list"), "{error}");
        if at < 4 {
            assert!(redis.append_with("", 10, 60_000, &[("x", "k")]).error().is_some(), "{key}");
            assert_eq!(redis.call(&["EXISTS", EVENTS]).int(), i64::from(at == 0), "{key}");
        }
    }
}

#[test]
fn only_who_holds_the_lease_appends_under_it_and_says_so_before() {
    let mut redis = Redis::start();
    let mut listener = redis.server.session();
    listener.call(&["SUBSCRIBE", KEYS[4]]).unwrap();
    let lease_again =
        |redis: &mut Redis, token, again| redis.script(LEASE, &[token, "x.*", "60000", KEYS[4], again]).text();
    let lease = |redis: &mut Redis, token| lease_again(redis, token, "0");
    assert_eq!([lease(&mut redis, "a"), lease(&mut redis, "b"), lease(&mut redis, "a")], ["", "x.*", ""]);
    assert!(redis.append_with("a", 10, 1, &[("x", "")]).error().is_none());
    assert!(redis.append_with("b", 10, 1, &[("y", "")]).error().unwrap().contains("NOLEASE"));
    redis.script(RELEASE, &["b", KEYS[4]]);
    assert_eq!(lease(&mut redis, "b"), "x.*", "it was not b's to give up");
    redis.script(RELEASE, &["a", KEYS[4]]);
    assert_eq!([lease(&mut redis, "b"), lease_again(&mut redis, "b", "1")], ["", ""]);
    assert!(redis.append_with("a", 10, 1, &[("z", "")]).error().is_some());
    let said: Vec<_> = (0..4).map(|_| listener.receive().unwrap().items()[2].text()).collect();
    assert_eq!(said, ["a", "", "b", "b"], "a renewal is not worth a word, unless it is asked for");
    assert_eq!(redis.entries().len(), 1);
}

#[test]
fn a_node_that_is_where_the_stream_is_or_behind_it_is_told_nothing() {
    let mut redis = Redis::start();
    let fresh = redis.attach(None);
    assert_eq!((fresh.epoch.as_str(), fresh.n, fresh.last.as_str(), fresh.lost.as_str()), ("fresh", 0, "0-0", ""));
    assert!(!redis.has_gone_back(("0-0", "fresh", 0)));
    let id = redis.append(&[("a", "")])[0].clone();
    assert!(!redis.has_gone_back(("0-0", "fresh", 0)));
    assert!(!redis.has_gone_back((&id, "fresh", 1)));
    redis.append(&[("b", "")]);
    assert!(!redis.has_gone_back((&id, "fresh", 1)));
    redis.call(&["XTRIM", EVENTS, "MAXLEN", "1"]);
    assert!(!redis.has_gone_back((&id, "fresh", 1)), "it was trimmed");
    redis.call(&["XTRIM", EVENTS, "MAXLEN", "0"]);
    assert!(!redis.has_gone_back((&id, "fresh", 1)));
    let attached = redis.attach(None);
    assert_eq!((attached.n, attached.epoch.as_str()), (2, "fresh"));
    redis.call(&["XADD", EVENTS, "*", "foo", "bar"]);
    assert!(!redis.has_gone_back((&attached.last, "fresh", 2)), "what is not ours is no reason");
}

#[test]
fn a_stream_that_has_gone_back_says_so_once_and_goes_on_above_what_was_seen() {
    let far = "99999999999999-3";
    let emptied = |redis: &mut Redis| drop(redis.call(&["FLUSHALL"]));
    let meta_lost = |redis: &mut Redis| drop(redis.call(&["DEL", KEYS[1]]));
    let end_lost = |redis: &mut Redis| {
        // As a replica that had not got the newest.
        let newest = redis.entries().pop().unwrap().0;
        redis.call(&["XDEL", EVENTS, &newest]);
        redis.call(&["HSET", KEYS[1], "n", "2"]);
    };
    let nothing = |_: &mut Redis| {};
    type Case<'a> = (&'a str, fn(&mut Redis), Option<Seen<'a>>);
    let cases: [Case<'_>; 6] = [
        ("emptied", emptied, None),
        ("what is known of it is gone", meta_lost, None),
        ("its end is lost", end_lost, None),
        ("another epoch", nothing, Some(("0-0", "other", 0))),
        ("a number that there has not been", nothing, Some(("0-0", "epoch", 9))),
        ("an id that there has not been", nothing, Some((far, "epoch", 3))),
    ];
    for (name, happens, seen) in cases {
        let mut redis = Redis::start();
        redis.append(&[("a", ""), ("b", ""), ("c", "")]);
        let last = redis.entries().pop().unwrap().0;
        happens(&mut redis);
        let seen = seen.unwrap_or((&last, "epoch", 3));
        assert!(redis.has_gone_back(seen), "{name}");
        assert!(!redis.has_gone_back(seen), "{name}: it will come to the entry that says so");
        let id = redis.append(&[("d", "")])[0].clone();
        assert!(is_above(&id, seen.0), "{name}");
        let at = redis.entries().pop().unwrap().1[1].clone();
        assert!(at.starts_with("fresh:2:"), "{name}: nothing of before is like what follows: {at}");
    }
}

#[test]
fn an_end_that_was_lost_and_replaced_by_as_many_others_is_noticed() {
    let mut redis = Redis::start();
    redis.append(&[("a", ""), ("b", "")]);
    let newest = redis.entries().pop().unwrap().0;
    redis.call(&["XDEL", EVENTS, &newest]);
    redis.call(&["HSET", KEYS[1], "n", "1"]);
    redis.append(&[("c", ""), ("d", "")]);
    assert!(redis.has_gone_back((&newest, "epoch", 2)));
}

#[test]
fn a_server_that_goes_on_from_a_snapshot_may_have_lost_something_and_says_so_to_all() {
    let mut redis = Redis::start();
    redis.run = "first";
    redis.append(&[("a", "")]);
    let last = redis.entries().pop().unwrap().0;
    assert!(!redis.has_gone_back((&last, "epoch", 1)));
    redis.run = "";
    assert!(!redis.has_gone_back((&last, "epoch", 1)), "a server with a log is as good as before");
    redis.run = "second";
    let attached = redis.attach(None);
    assert_eq!((attached.epoch.as_str(), attached.n, &attached.lost), ("fresh", 1, &attached.last));
    assert!(!redis.has_gone_back((&last, "epoch", 1)), "it comes to the entry that says so");
    let seen = (attached.last.as_str(), "fresh", 1);
    assert!(!redis.has_gone_back(seen), "once");
}

#[test]
fn what_is_known_of_a_stream_that_was_deleted_is_that_something_was_there() {
    let mut redis = Redis::start();
    let id = redis.append(&[("a", "")])[0].clone();
    redis.call(&["DEL", EVENTS]);
    until("its millisecond is over", || is_above(&redis.attach(None).last, &id));
    let attached = redis.attach(None);
    assert!(attached.n == 1 && !is_above(&id, &attached.last), "{id} {}", attached.last);
    let next = redis.append(&[("b", "")])[0].clone();
    assert!(is_above(&next, &attached.last));
}

#[test]
fn a_stream_that_begins_anew_under_a_node_is_above_what_that_has_read() {
    let mut redis = Redis::start();
    redis.append(&[("a", "")]);
    redis.call(&["FLUSHALL"]);
    redis.read_ms = "99999999999999".to_owned();
    let ids = redis.append(&[("b", ""), ("c", "")]);
    assert_eq!(ids, ["100000000000000-1"]);
}

#[test]
fn what_was_read_of_somebody_else_is_not_gone_back_behind_either() {
    let mut redis = Redis::start();
    let id = redis.append(&[("a", "")])[0].clone();
    let attached = redis.script(ATTACH, &["fresh", "", &id, "epoch", "1", "99999999999999-5"]).ok();
    assert_eq!(attached.items()[4].text(), "100000000000000-0");
}

#[test]
fn a_stream_is_trimmed_by_what_it_holds_whatever_the_sizes_of_its_events() {
    let large = "x".repeat(60 << 10);
    let mut redis = Redis::start();
    for data in [large.as_str(), "small"] {
        for _ in 0..20 {
            redis.append(&[(data, ""); 10]);
        }
    }
    let held = |redis: &mut Redis| redis.entries().iter().map(|(_, fields)| fields[5].len()).sum::<usize>();
    redis.script(TRIM, &["20000000"]);
    assert_eq!(redis.entries().len(), 400, "it is within that");
    redis.script(TRIM, &["4000000"]);
    let left = held(&mut redis);
    assert!((2_000_000..4_000_000).contains(&left), "{left}");
    redis.script(TRIM, &["1000"]);
    redis.script(TRIM, &["1000"]);
    let left = redis.entries().len();
    assert!((1..=120).contains(&left), "what is in the last part of the Stream stays together: {left}");
}
