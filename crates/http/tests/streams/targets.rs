//! Targets: all, channels, clients and pings reach their receivers and nobody else.

use crate::{everywhere, support::stream::Stream};

/// Publishes a marker to all and fails unless it is the next thing on every stream.
#[track_caller]
fn assert_nothing_else(server: &crate::Server, streams: &mut [&mut Stream]) {
    server.publish("/broadcast", "marker");
    for stream in streams {
        assert_eq!(stream.data(), "marker");
    }
}

#[test]
fn each_target_reaches_those_it_should_and_nobody_else() {
    everywhere(|server| {
        let mut ann = server.subscribe("/sse?id=ann&channel=a&channel=b");
        let mut bob = server.subscribe("/channels/b?id=bob");
        let mut eve = server.subscribe("/sse");

        server.publish("/broadcast", "to all");
        server.publish("/channels/a/broadcast", "to a");
        server.publish("/channels/b", "to b");
        server.publish("/clients/bob", "to bob");
        server.publish("/clients/a", "a client, not the channel");
        server.publish("/channels/ann", "a channel, not the client");
        server.publish("/broadcast", "end");

        assert_eq!(ann.data_until("end"), ["to all", "to a", "to b"]);
        assert_eq!(bob.data_until("end"), ["to all", "to b", "to bob"]);
        assert_eq!(eve.data_until("end"), ["to all"]);
    });
}

#[test]
fn every_connection_of_a_client_receives_until_it_leaves() {
    everywhere(|server| {
        let mut tabs = [server.subscribe("/sse?id=ann"), server.subscribe("/channels/a?id=ann")];
        let third = server.subscribe("/sse?id=ann");
        let mut other = server.subscribe("/sse?id=anna");
        assert_eq!(server.publish("/clients/ann?wait=written", "to ann")["matched"], 3);
        for tab in &mut tabs {
            assert_eq!(tab.data(), "to ann");
        }
        drop(third);
        server.until_matched("ann", 2);
        server.publish("/clients/ann", "end");
        for tab in &mut tabs {
            assert!(tab.data_until("end").iter().all(|data| data == "how many"));
        }
        assert_nothing_else(server, &mut [&mut other]);
    });
}

#[test]
fn a_connection_gets_an_event_once_however_often_it_named_the_channel() {
    everywhere(|server| {
        let mut stream = server.subscribe("/channels/a?channel=a&channel=b&channel=a&id=ann");
        assert_eq!(server.publish("/channels/a?wait=written", "once")["matched"], 1);
        assert_eq!(stream.data(), "once");
        assert_nothing_else(server, &mut [&mut stream]);
    });
}

#[test]
fn a_ping_says_hello_to_the_client_with_or_without_a_body() {
    everywhere(|server| {
        let mut ann = server.subscribe("/sse?id=ann%20b");
        let mut bob = server.subscribe("/sse?id=bob");
        server.publish("/ping/ann%20b", "");
        let hello = ann.data();
        assert!(hello.contains("hello") && hello.contains("ann b"), "{hello:?}");

        let mut client = server.client();
        client.send("POST /ping/ann%20b HTTP/1.1\r\nHost: test\r\n\r\n");
        assert_eq!(client.answer().status, 202, "neither a body nor a Content-Length");
        assert_eq!(ann.data(), hello);
        client.send("POST /ping/ann%20b HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nGET");
        assert_eq!(client.answer().status, 202, "the connection goes on, and what comes is thrown away");
        assert_eq!(ann.data(), hello);
        assert_nothing_else(server, &mut [&mut ann, &mut bob]);
    });
}

#[test]
fn names_are_percent_decoded_once_and_a_plus_is_a_space_in_queries_only() {
    // The name in a query, in the path of a stream, and in the path of a publish.
    let names = [
        ("orders/42", "orders%2F42", "orders%2F42"),
        ("%E2%82%AC", "%E2%82%AC", "%e2%82%ac"),
        ("two+words", "two%20words", "two%20words"),
        ("a%2Bb", "a+b", "a+b"),
        ("100%2525", "100%2525", "100%2525"),
        ("..", "..", ".."),
        ("%26%3D%3F%23", "&=%3F%23", "%26%3d%3f%23"),
    ];
    everywhere(|server| {
        for (query, path, published) in names {
            let mut in_query = server.subscribe(&format!("/sse?channel={query}"));
            let mut in_path = server.subscribe(&format!("/channels/{path}"));
            let mut as_client = server.subscribe(&format!("/sse?id={query}"));
            server.publish(&format!("/channels/{published}/broadcast"), "to the channel");
            server.publish(&format!("/clients/{published}"), "to the client");
            server.publish("/broadcast", "end");
            assert_eq!(in_query.data_until("end"), ["to the channel"], "{query}");
            assert_eq!(in_path.data_until("end"), ["to the channel"], "{path}");
            assert_eq!(as_client.data_until("end"), ["to the client"], "{query}");
        }
    });
}

#[test]
fn the_longest_name_is_one_of_256_bytes() {
    everywhere(|server| {
        let name = "%C3%BC".repeat(128);
        let mut stream = server.subscribe(&format!("/channels/{name}?id={name}"));
        assert_eq!(server.publish(&format!("/channels/{name}"), "to the channel")["matched"], 1);
        assert_eq!(server.publish(&format!("/clients/{name}"), "to the client")["matched"], 1);
        assert_eq!([stream.data(), stream.data()], ["to the channel", "to the client"]);
    });
}

#[test]
fn a_connection_may_follow_128_channels_and_gets_those_of_each() {
    everywhere(|server| {
        let query: Vec<_> = (0..128).map(|number| format!("channel=c{number}")).collect();
        let mut stream = server.subscribe(&format!("/sse?{}", query.join("&")));
        for number in [0, 1, 64, 127] {
            server.publish(&format!("/channels/c{number}"), format!("to {number}"));
        }
        server.publish("/broadcast", "end");
        assert_eq!(stream.data_until("end"), ["to 0", "to 1", "to 64", "to 127"]);
    });
}
