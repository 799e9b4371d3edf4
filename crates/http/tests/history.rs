//! `GET /channels/{channel}/history`: the kept events of a channel, page by page.

mod support;

use fanfare_core::Retention;
use fanfare_http::Config;
use serde_json::{Value, json};
use support::{
    client::{Answer, Client},
    events::position,
    h2::H2,
    server::{Server, Way, config},
    until,
};

/// Gets a page, which must be given.
#[track_caller]
fn page(server: &Server, path: &str) -> Value {
    let answer = server.get(path);
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    assert_eq!(answer.head.get("content-type"), Some("application/json"));
    let page = answer.json();
    let fields: Vec<_> = page.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["events", "gap", "next"]);
    page
}

fn data(page: &Value) -> Vec<String> {
    page["events"].as_array().unwrap().iter().map(|event| event["data"].as_str().unwrap().to_owned()).collect()
}

/// Publishes this many numbers to channel a, from 0 on, and gives their ids.
fn publish_numbers(server: &Server, count: usize) -> Vec<String> {
    let mut client = server.client();
    let publish = |number: usize| {
        let answer = client.request("POST", "/channels/a", &[], number.to_string().as_bytes());
        answer.json()["id"].as_str().unwrap().to_owned()
    };
    (0..count).map(publish).collect()
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[test]
fn events_stand_there_as_they_came_in_the_stream() {
    let server = Server::new(Way::Socket);
    let mut stream = server.subscribe("/channels/a");
    for (path, body) in [
        ("/channels/a", "plain"),
        ("/channels/a?event=price&id=order+%C3%BC&retry=500", "{\"a\": \"\\u0001\"}"),
        ("/channels/a/broadcast", "one\r\ntwo\rthree\n"),
        ("/channels/a", "\u{1}\u{7f}\u{2028}\0 \"quoted\" \\ 日本 🦀"),
        ("/channels/a", ""),
    ] {
        server.publish(path, body);
    }
    server.publish("/channels/a?keep=no", "live only");
    server.publish("/broadcast", "to all");
    server.publish("/channels/b", "elsewhere");
    server.publish("/publish", r#"{"channels":["b","a"],"data":"to both"}"#);
    let page = page(&server, "/channels/a/history");
    assert_eq!(page["gap"], Value::Null);
    let events = page["events"].as_array().unwrap();
    assert_eq!(events.len(), 6);
    for event in events {
        let fields: Vec<_> = event.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, ["id", "event", "data"]);
        let mut came = stream.event();
        while ["live only", "to all"].contains(&came.data.as_str()) {
            came = stream.event();
        }
        let kind = event["event"].as_str().unwrap_or("message");
        let (id, data) = (event["id"].as_str().unwrap(), event["data"].as_str().unwrap());
        assert_eq!((kind, id, data), (came.kind.as_str(), came.id.as_str(), came.data.as_str()));
    }
    assert_eq!((&events[0]["event"], &events[1]["event"]), (&Value::Null, &json!("price")));
    assert_eq!(events[1]["id"], "order ü");
}

#[test]
fn next_leads_through_all_pages_and_then_waits_for_more() {
    let server = Server::new(Way::Socket);
    publish_numbers(&server, 25);
    let (mut after, mut got, mut sizes) = (String::new(), Vec::new(), Vec::new());
    for _ in 0..4 {
        let page = page(&server, &format!("/channels/a/history?limit=10&after={after}"));
        assert_eq!(page["gap"], Value::Null);
        sizes.push(data(&page).len());
        got.extend(data(&page));
        after = page["next"].as_str().unwrap().to_owned();
        position(&after);
    }
    assert_eq!((got, sizes), (numbers(0..25), vec![10, 10, 5, 0]));
    server.publish("/channels/b", "elsewhere");
    server.publish("/channels/a", "more");
    let last = page(&server, &format!("/channels/a/history?after={after}"));
    assert_eq!(data(&last), ["more"]);
    // A stream may begin at the end of a page.
    server.publish("/channels/a", "missed");
    assert_eq!(server.resume("/channels/a", last["next"].as_str().unwrap()).data(), "missed");
}

#[test]
fn a_page_has_a_hundred_events_or_as_many_as_are_asked_for_from_one_to_a_thousand() {
    let mut limits = config(Way::Socket);
    limits.core.history.each.events_max = 2_000;
    let server = Server::start(Way::Socket, limits);
    publish_numbers(&server, 1_001);
    for (query, count) in [("", 100), ("?limit=1", 1), ("?limit=999", 999), ("?limit=1000", 1_000), ("?limit=007", 7)] {
        let page = page(&server, &format!("/channels/a/history{query}"));
        assert_eq!(data(&page), numbers(0..count), "{query}");
    }
    for query in
        ["limit=0", "limit=1001", "limit=", "limit=-1", "limit=%2b1", "limit=1e2", "limit=x", "limit=1&limit=1"]
    {
        let told = server.get(&format!("/channels/a/history?{query}")).problem(400);
        assert!(told.contains("limit"), "{query}: {told}");
    }
    server.get("/channels/a/history?after=1-1&after=1-1").problem(400);
    server.get("/channels/a/history?after=%ff").problem(400);
}

#[test]
fn after_is_any_cursor() {
    let server = Server::new(Way::Socket);
    let ids = publish_numbers(&server, 3);
    server.publish("/channels/a?id=%C3%BC", "mine");
    server.publish("/channels/a", "last");
    let of = |after: &str| page(&server, &format!("/channels/a/history?after={after}"));
    assert_eq!(data(&of(&ids[1])), ["2", "mine", "last"]);
    assert_eq!(data(&of("%C3%BC")), ["last"]);
    assert_eq!(data(&of("")).len(), 5, "an empty one is none");

    let early = of("1-1");
    assert_eq!(data(&early).len(), 5);
    assert_eq!((&early["gap"]["reason"], &early["gap"]["missed"]), (&json!("restart"), &Value::Null));
    assert_eq!(early["gap"]["from"], "1-1");
    let newest = of("")["next"].clone();
    let long = "x".repeat(5_000);
    for unknown in ["99999999999999-0", "nobody", "%00", &long] {
        let page = of(unknown);
        let gap = json!({ "from": null, "to": null, "missed": null, "reason": "unknown-id" });
        assert_eq!((&page["gap"], &page["events"], &page["next"]), (&gap, &json!([]), &newest), "{unknown:.20}");
    }
}

#[test]
fn since_is_where_a_page_without_after_begins() {
    let server = Server::new(Way::Socket);
    let ids = publish_numbers(&server, 3);
    let of = |query: &str| page(&server, &format!("/channels/a/history?{query}"));
    assert_eq!(data(&of("since=earliest")), ["0", "1", "2"]);
    assert_eq!(data(&of(&format!("since={}", ids[0]))), ["1", "2"]);
    assert_eq!(data(&of(&format!("since=earliest&after={}", ids[1]))), ["2"]);
    assert_eq!(data(&of("since=1h")), ["0", "1", "2"]);
    assert_eq!(of("since=latest")["events"], json!([]));
    assert!(server.get("/channels/a/history?since=yesterday").problem(400).starts_with("since must be a duration"));
}

#[test]
fn what_is_not_kept_any_more_is_a_gap_for_who_had_come_that_far() {
    let mut limits = config(Way::Socket);
    limits.core.history.each = Retention { events_max: 5, ..Retention::default() };
    let server = Server::start(Way::Socket, limits);
    let ids = publish_numbers(&server, 12);
    let of = |after: &str| page(&server, &format!("/channels/a/history?after={after}"));
    let behind = of(&ids[2]);
    assert_eq!(data(&behind), numbers(7..12));
    let gap = json!({ "from": ids[2], "to": ids[6], "missed": null, "reason": "expired" });
    assert_eq!(behind["gap"], gap);
    assert_eq!(of(&ids[6])["gap"], Value::Null);
    let all = of("");
    assert_eq!((data(&all), &all["gap"]), (numbers(7..12), &Value::Null), "who asks for what there is misses nothing");
}

#[test]
fn a_channel_without_history_is_empty_and_reserved_names_may_have_one() {
    let server = Server::new(Way::Socket);
    let empty = page(&server, "/channels/nobody/history");
    assert_eq!((&empty["events"], &empty["gap"]), (&json!([]), &Value::Null));
    position(empty["next"].as_str().unwrap());
    server.publish("/channels/news.*", "to a name with a star");
    assert_eq!(data(&page(&server, "/channels/news.*/history")), ["to a name with a star"]);
    server.publish("/channels/a%2Fb", "a slash");
    assert_eq!(data(&page(&server, "/channels/a%2fb/history")), ["a slash"]);
    for path in ["/channels//history", "/channels/%0a/history", "/channels/%zz/history"] {
        server.get(path).problem(400);
    }
    server.post("/channels/a/history", &[], "x").problem(405);
}

#[test]
fn a_page_ends_before_it_has_more_than_four_mebibytes() {
    let mut limits = config(Way::Socket);
    limits.core.history.each.bytes_max = 64 << 20;
    limits.body_bytes_max = 8 << 20;
    let server = Server::start(Way::Socket, limits);
    for _ in 0..10 {
        server.publish("/channels/a", "x".repeat(1 << 20));
    }
    server.publish("/channels/a", "y".repeat(5 << 20));
    server.publish("/channels/a", "z");
    let (mut after, mut sizes) = (String::new(), Vec::new());
    for _ in 0..6 {
        let page = page(&server, &format!("/channels/a/history?after={after}"));
        after = page["next"].as_str().unwrap().to_owned();
        sizes.push(data(&page).len());
    }
    assert_eq!(sizes, [3, 3, 3, 1, 1, 1], "a larger one has a page of its own");
}

#[test]
fn the_only_page_is_never_too_large_for_the_room() {
    let mut limits = config(Way::Socket);
    limits.bodies_bytes_max = 64 << 10;
    let server = Server::start(Way::Socket, limits);
    server.publish("/channels/a", "x".repeat(60_000));
    server.publish("/channels/a", "x".repeat(60_000));
    assert_eq!(data(&page(&server, "/channels/a/history")).len(), 2);
}

#[test]
fn a_page_that_is_not_taken_in_its_time_is_cut_off_and_gives_its_room_to_others() {
    let ask_for_two = |write_timeout_ms| {
        let mut limits = config(Way::Socket);
        limits.bodies_bytes_max = 64 << 10;
        limits.core.write_timeout_ms = write_timeout_ms;
        let server = Server::start(Way::Socket, limits);
        server.publish("/channels/stuck", "x".repeat(20_000));
        server.publish("/channels/large", "x".repeat(50_000));
        let h2 = H2::open_narrow(server.address);
        let (head, body) = h2.send("GET", "/channels/stuck/history", &[], b"");
        assert_eq!(head.status, 200);
        (server, h2, body)
    };
    let (server, _h2, _body) = ask_for_two(3_600_000);
    let answer = server.get("/channels/large/history");
    answer.problem(503);
    assert!(answer.head.get("retry-after").is_some());
    assert_eq!(answer.head.get("access-control-allow-origin"), Some("*"));

    let (server, h2, mut body) = ask_for_two(200);
    until("the stuck one has had its time", || server.get("/channels/large/history").status == 200);
    assert!(!body.ends_properly(), "it was cut off");
    assert_eq!(h2.request("GET", "/healthz", &[], b"").status, 200, "its connection goes on");
}

#[test]
fn over_http_1_a_page_that_is_not_taken_in_its_time_ends_its_connection_in_the_middle() {
    let mut limits = large(100);
    limits.core.write_timeout_ms = 300;
    let server = Server::start(Way::Socket, limits);
    publish_large(&server, 40);
    let path = "/channels/a/history";
    let mut stuck = Client::open_with(server.address, 4 << 10);
    stuck.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
    assert_eq!(stuck.head().status, 200);
    until("it has had its time", || !stuck.try_send(" "));
    assert!(!stuck.until_closed().ends_with(b"\r\n0\r\n\r\n"), "it must not look like a proper end");
}

/// Settings under which a channel keeps `count` events of 100 KB.
fn large(count: usize) -> Config {
    let mut limits = Config { send_buffer_bytes: 4 << 10, ..config(Way::Socket) };
    limits.core.history.each.bytes_max = 64 << 20;
    limits.core.history.each.events_max = count;
    limits
}

fn publish_large(server: &Server, count: usize) {
    for number in 0..count {
        server.publish("/channels/a", format!("{number} {}", "\u{1}\"x\u{1f980}".repeat(12_000)));
    }
}

#[test]
fn a_long_page_comes_in_pieces_and_whole_over_every_version_of_http() {
    let server = Server::start(Way::Socket, large(30));
    publish_large(&server, 30);
    let path = "/channels/a/history?limit=20";
    let page = page(&server, path);
    let numbers_of = |page: &Value| {
        let number = |data: String| data.split_once(' ').unwrap().0.to_owned();
        data(page).into_iter().map(number).collect::<Vec<_>>()
    };
    assert_eq!(numbers_of(&page), numbers(0..20));
    assert_eq!(data(&page)[7], format!("7 {}", "\u{1}\"x\u{1f980}".repeat(12_000)));
    assert_eq!(server.get(path).head.get("transfer-encoding"), Some("chunked"));
    assert_eq!(H2::open(server.address).request("GET", path, &[], b"").json(), page);
    let mut old = server.client();
    old.send(format!("GET {path} HTTP/1.0\r\n\r\n"));
    assert_eq!((old.head().status, serde_json::from_slice::<Value>(&old.until_closed()).unwrap()), (200, page.clone()));
    let next = page["next"].as_str().unwrap();
    let rest = server.get(&format!("/channels/a/history?after={next}")).json();
    assert_eq!((numbers_of(&rest), &rest["gap"]), (numbers(20..30), &Value::Null));
}

#[test]
fn what_goes_while_a_page_is_sent_is_a_gap() {
    let server = Server::start(Way::Socket, large(30));
    publish_large(&server, 30);
    // Its window takes the first piece, and no second event.
    let (head, mut body) = H2::open_narrow(server.address).send("GET", "/channels/a/history", &[], b"");
    assert_eq!(head.status, 200);
    let mut text = body.piece().unwrap();
    publish_large(&server, 30);
    while let Some(piece) = body.piece() {
        text.extend(piece);
    }
    let page: Value = serde_json::from_slice(&text).unwrap();
    let got = page["events"].as_array().unwrap().len();
    assert!(got < 60 && page["gap"]["reason"] == "expired", "{got}: {}", page["gap"]);
}

#[test]
fn one_connection_has_half_of_the_room_for_pages_and_not_all_of_it() {
    let mut limits = large(30);
    limits.bodies_bytes_max = 1 << 20;
    let server = Server::start(Way::Socket, limits);
    publish_large(&server, 4);
    let h2 = H2::open_narrow(server.address);
    let path = "/channels/a/history";
    let mut stuck = Vec::new();
    let refused = loop {
        let (head, body) = h2.send("GET", path, &[], b"");
        if head.status != 200 {
            break head.status;
        }
        stuck.push(body);
        assert!(stuck.len() < 100, "it may have all there is");
    };
    assert_eq!(refused, 503);
    assert!(stuck.len() >= 2);
    let other = server.get(path);
    assert_eq!((other.status, data(&other.json()).len()), (200, 4), "another one has its page");
    let mut kept = stuck.pop().unwrap();
    drop(stuck);
    until("there is room again", || h2.request("GET", path, &[], b"").status == 200);
    assert!(kept.ends_properly());
}

#[test]
fn it_is_read_over_http_2_by_head_and_by_pages_of_any_origin() {
    let server = Server::new(Way::Socket);
    publish_numbers(&server, 2);
    let path = "/channels/a/history";
    let got = server.client().request("GET", path, &[("origin", "https://any.example")], b"");
    assert_eq!(got.head.get("access-control-allow-origin"), Some("*"));
    assert_eq!(got.head.get("cache-control"), Some("no-store"));
    let h2 = H2::open(server.address).request("GET", path, &[], b"");
    assert_eq!((h2.status, h2.json()), (200, got.json()));

    let mut client = server.client();
    client.send(format!("HEAD {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
    let head = client.head();
    assert_eq!((head.status, head.names()), (200, got.head.names()));
    assert_eq!(head.get("content-length"), got.head.get("content-length"));
    // Nothing but the head came: the next answer follows it.
    client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
    assert_eq!(client.answer().json(), got.json());

    let headers = [("origin", "https://any.example"), ("access-control-request-method", "GET")];
    let asked: Answer = server.client().request("OPTIONS", path, &headers, b"");
    assert_eq!((asked.status, asked.head.get("access-control-allow-origin")), (204, Some("*")));
    let refused = server.client().request("GET", "/channels/a/history?limit=0", &headers[..1], b"");
    assert_eq!(refused.head.get("access-control-allow-origin"), Some("*"), "a page can read why");
}
