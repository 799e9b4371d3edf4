//! One id that publishers gave to several events: a client that comes back with it gets all events behind the first of
//! them, or is told of a gap.

use fanfare_core::Retention;
use serde_json::json;

use crate::{
    everywhere,
    support::server::{ALL_WAYS, Server, config},
};

/// Publishes `data` under `id`.
fn publish(server: &Server, path: &str, data: &str, id: &str) {
    server.publish(&format!("{path}?id={}", id.replace(' ', "+")), data);
}

/// The events of a stream of `path` behind `id`, up to an event of its own.
#[track_caller]
fn resumed(server: &Server, path: &str, id: &str) -> Vec<String> {
    let mut stream = server.resume(path, id);
    server.publish("/broadcast", "now");
    // A gap would be among them.
    stream.data_until("now")
}

#[test]
fn channels_that_count_from_one_each() {
    everywhere(|server| {
        for (path, id, data) in [("/channels/a", "1", "A1"), ("/channels/b", "1", "B1"), ("/channels/a", "2", "A2")] {
            publish(server, path, data, id);
        }
        for (path, id, data) in [("/channels/b", "2", "B2"), ("/channels/a", "3", "A3"), ("/channels/b", "3", "B3")] {
            publish(server, path, data, id);
        }
        assert_eq!(resumed(server, "/sse?channel=a&channel=b", "2"), ["B2", "A3", "B3"]);
        assert_eq!(resumed(server, "/sse?channel=a", "2"), ["A3"], "what is for others does not count");
    });
}

#[test]
fn an_id_that_names_a_thing_and_not_an_event() {
    everywhere(|server| {
        for (data, id) in [("paid", "order 7"), ("other", "order 8"), ("shipped", "order 7")] {
            publish(server, "/channels/c", data, id);
        }
        assert_eq!(resumed(server, "/channels/c", "order 7"), ["other", "shipped"]);
        let page = server.get("/channels/c/history?after=order+7").json();
        let data: Vec<_> = page["events"].as_array().unwrap().iter().map(|event| event["data"].clone()).collect();
        assert_eq!((json!(data), &page["gap"]), (json!(["other", "shipped"]), &json!(null)));
    });
}

#[test]
fn lines_of_one_batch() {
    everywhere(|server| {
        let lines = [("x1", "k"), ("y", "l"), ("x2", "k")];
        let lines = lines.map(|(data, id)| json!({"channels": ["d", "e"], "data": data, "id": id}).to_string());
        assert_eq!(server.post("/publish", &[], lines.join("\n")).json()["published"], 3);
        assert_eq!(resumed(server, "/sse?channel=d&channel=e", "k"), ["y", "x2"]);
    });
}

#[test]
fn messages_for_a_client_its_channel_and_all() {
    everywhere(|server| {
        for (path, data) in [("/clients/u", "direct"), ("/channels/f", "channel"), ("/broadcast", "all")] {
            publish(server, path, data, "n");
        }
        publish(server, "/channels/f", "last", "m");
        assert_eq!(resumed(server, "/sse?id=u&channel=f", "n"), ["channel", "all", "last"]);
        assert_eq!(resumed(server, "/channels/f", "n"), ["all", "last"]);
        assert_eq!(
            server.resume("/sse", "n").data(),
            "now",
            "a stream without the channel and the client has the broadcast"
        );
    });
}

#[test]
fn an_event_that_is_live_only() {
    everywhere(|server| {
        server.publish("/channels/g?id=tick&keep=no", "live");
        server.publish("/channels/g", "kept");
        assert_eq!(resumed(server, "/channels/g", "tick"), ["kept"]);
    });
}

#[test]
fn where_the_first_was_given_up_a_gap_is_told_and_the_rest_comes() {
    for way in ALL_WAYS {
        let mut config = config(way);
        config.core.history.each = Retention { events_max: 3, ..Retention::default() };
        let server = Server::start(way, config);
        let first = server.id_of("/channels/a?id=k", "1");
        let second = server.id_of("/channels/a", "2");
        for data in ["3", "4"] {
            server.publish("/channels/a", data);
        }
        publish(&server, "/channels/a", "5", "k");
        let mut stream = server.resume("/channels/a", "k");
        let gap = stream.gap();
        assert_eq!((gap.reason.as_str(), gap.from, gap.to), ("expired", Some(first), Some(second)), "{way:?}");
        assert_eq!([stream.data(), stream.data(), stream.data()], ["3", "4", "5"], "{way:?}");
    }
}
