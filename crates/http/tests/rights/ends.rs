//! The end of a grant: of streams, of batches, and of those who come back.

use serde_json::json;

use crate::support::{
    server::{ALL_WAYS, Way},
    tokens::{access, bearer, guarded, now, token, token_until},
};

#[test]
fn a_stream_ends_with_its_grant_and_says_that_its_client_may_come_back_at_once() {
    for way in ALL_WAYS {
        let server = guarded(way, access());
        let short = token_until(json!({ "subscribe": ["a"] }), now() + 2);
        let mut stream = server.subscribe_with("/channels/a", &[("authorization", &bearer(&short))]);
        let long = token(json!({ "subscribe": ["a"], "publish": ["a"] }));
        let mut other = server.subscribe_with("/channels/a", &[("authorization", &bearer(&long))]);
        let publish =
            |data| assert_eq!(server.post("/channels/a", &[("authorization", &bearer(&long))], data).status, 202);
        publish("before");
        let event = stream.event();
        assert_eq!(event.data, "before");
        assert_eq!(stream.next().map(|event| event.data), None, "{way:?}: the end comes by itself");
        assert_eq!(stream.judge.retries_ms.last(), Some(&100), "{way:?}");
        publish("after");
        assert_eq!([other.data(), other.data()], ["before", "after"], "{way:?}: others go on");
        // With a fresh token nothing is missed.
        let long = bearer(&long);
        let headers = [("authorization", long.as_str()), ("last-event-id", event.id.as_str())];
        assert_eq!(server.subscribe_with("/channels/a", &headers).data(), "after", "{way:?}");
    }
}

#[test]
fn a_batch_that_outlives_its_grant_is_told_so_with_its_counts() {
    let server = guarded(Way::Socket, access());
    let mut client = server.client();
    let short = token_until(json!({ "publish": ["a"] }), now() + 2);
    client.send(format!(
        "POST /publish HTTP/1.1\r\nHost: test\r\nAuthorization: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        bearer(&short)
    ));
    let line = "{\"channel\":\"a\",\"data\":1}\n";
    let mut writer = client.writer();
    let sending = std::thread::spawn(move || {
        use std::io::Write as _;
        // Until the server has had enough.
        while writer.write_all(format!("{:x}\r\n{line}\r\n", line.len()).as_bytes()).is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    });
    let answer = client.answer();
    answer.problem(401);
    assert!(answer.json()["published"].as_u64().unwrap() > 0, "{answer:?}");
    drop(client);
    sending.join().unwrap();
}
