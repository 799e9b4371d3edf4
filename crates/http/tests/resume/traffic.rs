//! Coming back while events go on being published.

use std::thread;

use crate::{
    everywhere,
    support::{
        rng::Rng,
        server::{ALL_WAYS, Server, config},
    },
};

const EVENTS: usize = 500;

/// Fails unless a client that comes back again and again sees every number, once and in order.
fn come_back_under_traffic(server: &Server, own_ids: bool) {
    thread::scope(|scope| {
        let mut stream = server.subscribe("/channels/a");
        scope.spawn(|| {
            let mut client = server.client();
            for number in 0..EVENTS {
                let path = if own_ids { format!("/channels/a?id=order+ü+{number}") } else { "/channels/a".to_owned() };
                let path = path.replace('ü', "%C3%BC");
                assert_eq!(client.request("POST", &path, &[], number.to_string().as_bytes()).status, 202);
                // Not for this channel.
                assert_eq!(client.request("POST", "/channels/b", &[], b"other").status, 202);
            }
        });
        let mut rng = Rng::new(7);
        let mut until = 1 + rng.below(40);
        for number in 0..EVENTS {
            let event = stream.event();
            assert_eq!((event.kind.as_str(), event.data), ("message", number.to_string()), "{:?}", server.way);
            if number == until {
                until += 1 + rng.below(40);
                stream = server.resume("/channels/a", &event.id);
            }
        }
    });
}

#[test]
fn who_comes_back_in_the_middle_of_traffic_gets_exactly_what_was_missed() {
    everywhere(|server| come_back_under_traffic(server, false));
}

#[test]
fn ids_of_the_publishers_own_are_as_good_to_come_back_with() {
    everywhere(|server| come_back_under_traffic(server, true));
}

#[test]
fn small_rings_change_nothing_of_that() {
    for way in ALL_WAYS {
        let mut config = config(way);
        (config.core.ring_messages_max, config.core.patience_ms) = (2, 0);
        come_back_under_traffic(&Server::start(way, config), false);
    }
}

#[test]
fn what_was_for_all_for_channels_and_for_the_client_comes_in_one_order_and_once() {
    everywhere(|server| {
        let path = "/sse?id=ann&channel=a&channel=b";
        let first = server.id_of("/broadcast", "first");
        server.publish("/channels/a", "to a");
        server.publish("/clients/ann", "to ann");
        server.publish("/clients/bob", "to bob");
        server.publish("/publish", r#"{"channels":["a","b","c"],"data":"to a and b"}"#);
        server.publish("/channels/c", "to c");
        server.publish("/broadcast", "to all");
        server.publish("/broadcast?keep=no", "to those who are there");
        server.publish("/channels/b", "to b");
        let mut stream = server.resume(path, &first);
        for expected in ["to a", "to ann", "to a and b", "to all", "to b"] {
            assert_eq!(stream.data(), expected);
        }
        server.publish("/clients/ann", "live");
        assert_eq!(stream.data(), "live");
    });
}

#[test]
fn a_thousand_events_come_back_through_a_small_ring_and_live_ones_behind_them() {
    for way in ALL_WAYS {
        let mut config = config(way);
        config.core.ring_messages_max = 8;
        let server = Server::start(way, config);
        let mut client = server.client();
        for number in 0..1_000 {
            assert_eq!(client.request("POST", "/channels/a", &[], number.to_string().as_bytes()).status, 202);
        }
        let mut stream = server.subscribe("/channels/a?since=earliest");
        server.publish("/broadcast", "1000");
        for number in 0..=1_000 {
            assert_eq!(stream.data(), number.to_string(), "{way:?}");
        }
    }
}
