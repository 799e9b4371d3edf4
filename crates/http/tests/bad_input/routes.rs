//! Routes, methods and names that are none, and subscriptions that ask for too much.

use crate::{Observed, support::stream::Stream};

#[test]
fn unknown_routes_are_404() {
    let mut world = Observed::new();
    let paths = [
        "/nowhere",
        "/sse/",
        "/SSE",
        "//",
        "/channels",
        "/channels/a/",
        "/channels/a/b",
        "/channels/a/broadcast/",
        "/channels/a/broadcast/b",
        "/clients",
        "/clients/a/b",
        "/ping",
        "/ping/a/b",
        "/broadcast/",
        "/healthz/",
        "/../broadcast",
    ];
    for path in paths {
        for method in ["GET", "POST", "DELETE"] {
            let answer = world.server.client().request(method, path, &[], b"");
            let said = answer.problem(404);
            assert!(said.starts_with("there is no route ") && said.contains('/'), "{method} {path}: {said}");
        }
        let mut client = world.server.client();
        client.send(format!("HEAD {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"));
        assert_eq!(client.head().status, 404);
        assert_eq!(client.until_closed(), b"", "an answer to HEAD has no body");
    }
    world.assert_untouched();
}

#[test]
fn methods_that_a_route_does_not_have_are_405_and_told_which_it_has() {
    let mut world = Observed::new();
    let (get, post) = ("GET, HEAD, OPTIONS", "POST, OPTIONS");
    let cases = [
        ("/", get, &["POST", "PUT", "DELETE", "PATCH"][..]),
        ("/sse", get, &["POST", "PUT"]),
        ("/healthz", get, &["POST", "DELETE"]),
        ("/readyz", get, &["POST"]),
        ("/broadcast", post, &["GET", "PUT", "DELETE", "BREW"]),
        ("/channels/a/broadcast", post, &["GET", "PUT"]),
        ("/channels/a", "GET, HEAD, POST, OPTIONS", &["PUT", "DELETE", "PATCH"]),
        ("/clients/a", post, &["GET", "DELETE"]),
        ("/ping/a", post, &["GET", "PUT"]),
        ("/publish", post, &["GET", "PUT"]),
    ];
    for (path, allow, methods) in cases {
        for method in methods {
            let answer = world.server.client().request(method, path, &[], b"");
            let detail = answer.problem(405);
            assert_eq!(answer.head.get("allow"), Some(allow), "{method} {path}");
            assert!(detail.contains(allow), "{detail}");
        }
    }
    world.assert_untouched();
}

#[test]
fn names_that_are_none_are_400_and_told_why() {
    let mut world = Observed::new();
    let too_long = "x".repeat(257);
    let names = [
        ("", "empty"),
        (too_long.as_str(), "256 bytes"),
        ("a%0ab", "control"),
        ("a%0d", "control"),
        ("%00", "control"),
        ("%7f", "control"),
        ("%c2%85", "control"),
        ("%", "percent"),
        ("a%2", "percent"),
        ("%zz", "percent"),
        ("%u20ac", "percent"),
        ("%ff", "UTF-8"),
        ("%c3", "UTF-8"),
        ("%ed%a0%80", "UTF-8"),
        ("%c0%80", "UTF-8"),
    ];
    for (name, why) in names {
        for path in [
            format!("/channels/{name}/broadcast"),
            format!("/channels/{name}"),
            format!("/clients/{name}"),
            format!("/ping/{name}"),
        ] {
            world.refuse(400, &path, &[], b"x", why);
        }
        let streams = [
            format!("/channels/{name}"),
            format!("/sse?channel={name}"),
            format!("/sse?id={name}"),
            format!("/?id={name}&channel=a"),
        ];
        for path in streams {
            let told = world.server.get(&path).problem(400);
            assert!(told.contains(why), "{path}: {told:?}");
        }
    }
    world.assert_untouched();
}

#[test]
fn reserved_characters_are_400_when_subscribing_and_fine_when_publishing() {
    let mut world = Observed::new();
    for name in ["a{b", "}", "{*}", "%7b"] {
        for path in
            [format!("/channels/{name}"), format!("/sse?channel={name}"), format!("/sse?channel=a&channel={name}")]
        {
            let told = world.server.get(&path).problem(400);
            assert!(told.contains("a channel to follow has no"), "{path}: {told:?}");
        }
        assert_eq!(world.server.publish(&format!("/channels/{name}"), "x")["matched"], 0);
        let client = world.server.subscribe(&format!("/sse?id={name}"));
        assert_eq!(world.server.matched(name), 1, "a client may have that name");
        drop(client);
    }
    world.assert_untouched();
}

#[test]
fn an_id_given_twice_is_400() {
    let mut world = Observed::new();
    for path in ["/sse?id=a&id=b", "/sse?id=a&id=a", "/channels/a?id=&id=a", "/?id=a&channel=c&%69d=b"] {
        let told = world.server.get(path).problem(400);
        assert!(told.contains("\"id\""), "{told:?}");
    }
    assert_eq!(world.server.matched("a") + world.server.matched("b"), 0);
    world.assert_untouched();
}

#[test]
fn the_129th_channel_is_400() {
    let mut world = Observed::new();
    let query = |count: usize| (0..count).map(|number| format!("channel=c{number}")).collect::<Vec<_>>().join("&");
    for path in [format!("/sse?id=me&{}", query(129)), format!("/channels/c?id=me&{}", query(128))] {
        let told = world.server.get(&path).problem(400);
        assert!(told.contains("128"), "{told:?}");
    }
    assert_eq!(world.server.matched("me"), 0);
    drop(world.server.subscribe(&format!("/sse?id=me&{}", query(128))));
    drop(world.server.subscribe(&format!("/channels/c?id=me&{}", query(127))));
    world.assert_untouched();
}

#[test]
fn a_refused_subscription_leaves_the_connection_usable() {
    let mut world = Observed::new();
    let mut client = world.server.client();
    client.request("GET", "/channels/%", &[], b"").problem(400);
    client.request("GET", "/nowhere", &[], b"").problem(404);
    client.request("PUT", "/sse", &[], b"").problem(405);
    assert_eq!(client.request("GET", "/healthz", &[], b"").status, 200);
    world.assert_untouched();
}

#[test]
fn targets_that_are_no_path_are_answered_all_the_same() {
    let mut world = Observed::new();
    for (line, status) in [
        ("OPTIONS *", 204),
        ("GET http://elsewhere/nowhere", 404),
        ("GET http://elsewhere/healthz", 200),
        ("GET /healthz?%", 200),
        ("POST http://elsewhere/broadcast?event=%", 400),
    ] {
        let mut client = world.server.client();
        client.send(format!("{line} HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n"));
        assert_eq!(client.answer().status, status, "{line}");
    }
    let mut client = world.server.client();
    client.send("CONNECT test:80 HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(client.head().status, 404);
    world.assert_untouched();
}

#[test]
fn names_may_come_as_raw_utf8_and_as_nothing_else() {
    let mut world = Observed::new();
    let mut client = world.server.client();
    client.send("GET /channels/€?id=日本 HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(client.head().status, 200);
    let mut stream = Stream::chunked(client);
    assert_eq!(stream.prelude().client, "日本");
    world.server.publish("/channels/%E2%82%AC", "here");
    assert_eq!(stream.data(), "here");

    for target in [&b"/channels/\xff"[..], b"/clients/\xc3", b"/broadcast?event=\xed\xa0\x80"] {
        let mut client = world.server.client();
        client.send([b"POST ", target, b" HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n\r\nx"].concat());
        assert_eq!(client.head().status, 400, "{target:?}");
        world.assert_untouched();
    }
}
