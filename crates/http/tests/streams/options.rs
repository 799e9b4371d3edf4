//! The query parameters of a publish, and its answer.

use crate::{
    everywhere,
    support::server::{ALL_WAYS, Server, Way},
};

#[test]
fn fields_stand_in_the_order_event_id_retry_data() {
    everywhere(|server| {
        let mut stream = server.subscribe("/sse");
        server.publish("/broadcast?retry=1500&id=order+7&event=price", "1\n2");
        let event = stream.event();
        assert_eq!(event.block, "event: price\nid: order 7\nretry: 1500\ndata: 1\ndata: 2\n");
        assert_eq!((event.kind.as_str(), event.id.as_str()), ("price", "order 7"));
        assert_eq!(stream.judge.retries_ms, [1_500]);

        let receipt = server.publish("/broadcast?event=%E2%82%AC", "");
        let id = receipt["id"].as_str().unwrap();
        assert_eq!(stream.event().block, format!("event: €\nid: {id}\ndata: \n"));
        assert!(id.split('-').all(|part| part.parse::<u64>().is_ok()) && id.contains('-'), "{id}");
    });
}

#[test]
fn options_at_their_limits_are_taken() {
    everywhere(|server| {
        let mut stream = server.subscribe("/sse");
        let longest = "x".repeat(256);
        server.publish(&format!("/broadcast?event={longest}&id={longest}"), "");
        let event = stream.event();
        assert_eq!((event.kind.len(), event.id.len()), (256, 256));
        for retry in [100, 86_400_000] {
            server.publish(&format!("/broadcast?retry={retry}"), "");
            stream.event();
        }
        assert_eq!(stream.judge.retries_ms, [100, 86_400_000]);
        for taken in ["keep=no", "keep=yes", "event=fanfare", "id=12-34x", "id=-"] {
            server.publish(&format!("/broadcast?{taken}"), taken);
            assert_eq!(stream.data(), taken);
        }
    });
}

#[test]
fn the_answer_carries_the_id_that_subscribers_see_and_ids_grow() {
    everywhere(|server| {
        let mut stream = server.subscribe("/sse");
        let mut last = (0, 0);
        for _ in 0..20 {
            let receipt = server.publish("/broadcast", "x");
            let fields: Vec<_> = receipt.as_object().unwrap().keys().collect();
            assert_eq!(fields, ["id", "matched"]);
            let id = stream.event().id;
            assert_eq!(receipt["id"], id.as_str());
            let (ms, n) = id.split_once('-').unwrap();
            let id = (ms.parse::<u64>().unwrap(), n.parse::<u64>().unwrap());
            assert!(id > last, "{id:?} after {last:?}");
            last = id;
        }
    });
}

#[test]
fn without_wait_matched_is_how_many_are_registered() {
    everywhere(|server| {
        assert_eq!(server.publish("/broadcast", "")["matched"], 0);
        let mut streams: Vec<_> = (0..3).map(|_| server.subscribe("/sse?channel=a&id=ann")).collect();
        streams.push(server.subscribe("/sse"));
        let matched = |path: &str| server.publish(path, "").get("matched").unwrap().as_u64().unwrap();
        assert_eq!(matched("/broadcast"), 4);
        assert_eq!(matched("/channels/a"), 3);
        assert_eq!(matched("/clients/ann"), 3);
        assert_eq!(matched("/clients/nobody"), 0);
    });
}

#[test]
fn with_wait_the_numbers_are_exact_and_add_up() {
    for way in ALL_WAYS {
        let server = Server::new(way);
        let mut streams: Vec<_> = (0..5).map(|_| server.subscribe("/sse?channel=a")).collect();
        let mut others = [server.subscribe("/sse"), server.subscribe("/channels/b")];
        // Once it has come, every socket is where it will stay.
        server.publish("/broadcast", "warm");
        for stream in streams.iter_mut().chain(&mut others) {
            assert_eq!(stream.data(), "warm");
        }
        for (path, expected) in [("/channels/a", 5), ("/broadcast", 7), ("/channels/b", 1), ("/clients/nobody", 0)] {
            let receipt = server.publish(&format!("{path}?wait=written"), "counted");
            let number = |name: &str| receipt[name].as_u64().unwrap();
            assert_eq!(number("matched"), expected, "{path}");
            assert_eq!(number("written") + number("queued") + number("dropped"), expected, "{path}: {receipt}");
            assert_eq!(number("dropped"), 0);
            let taken_by_sockets = if matches!(way, Way::Socket | Way::Tls) { expected } else { 0 };
            assert_eq!(number("written"), taken_by_sockets, "a body takes it from its ring: {receipt}");
            assert_eq!(receipt.as_object().unwrap().len(), 5);
        }
        assert_eq!(streams[0].data(), "counted");
    }
}

#[test]
fn a_publish_to_nobody_is_accepted() {
    everywhere(|server| {
        for path in ["/broadcast", "/channels/a", "/channels/a/broadcast", "/clients/a", "/ping/a"] {
            for wait in ["", "?wait=written"] {
                let answer = server.post(&format!("{path}{wait}"), &[], "x");
                assert_eq!(answer.status, 202);
                assert_eq!(answer.head.get("content-type"), Some("application/json"));
                assert_eq!(answer.json()["matched"], 0);
            }
        }
    });
}

#[test]
fn one_connection_publishes_again_and_again() {
    everywhere(|server| {
        let mut stream = server.subscribe("/sse");
        let mut client = server.client();
        for number in 0..50 {
            let answer = client.request("POST", "/broadcast", &[], number.to_string().as_bytes());
            assert_eq!(answer.status, 202);
        }
        for number in 0..50 {
            assert_eq!(stream.data(), number.to_string());
        }
    });
}

#[test]
fn publishes_sent_without_waiting_for_answers_are_taken_in_order() {
    everywhere(|server| {
        let mut stream = server.subscribe("/sse");
        let mut client = server.client();
        let post = |data: &str| {
            format!("POST /broadcast HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n{data}", data.len())
        };
        client.send(["one", "two", "", "four"].map(post).concat());
        for data in ["one", "two", "", "four"] {
            assert_eq!(client.answer().status, 202);
            assert_eq!(stream.data(), data);
        }
    });
}

// Not with H1Outlet::Body: there hyper must take the end of a client's side for its leaving.
#[test]
fn a_publisher_that_closes_its_side_behind_its_request_is_published_and_answered() {
    let server = Server::new(Way::Socket);
    let mut stream = server.subscribe("/sse");
    for path in ["/broadcast", "/broadcast?wait=written"] {
        let mut client = server.client();
        client.send(format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\ntext"));
        client.finish_sending();
        assert_eq!(client.answer().status, 202);
        assert_eq!(stream.data(), "text");
    }
}
