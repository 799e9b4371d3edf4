//! The page in front of a real engine: what one does there happens to real streams.

use fanfare_http::{ClientId, Config, Follow, Start, Told};
use serde_json::json;

use crate::{
    script::Script,
    support::{listener::Listener, made_up::channel, until},
};

#[test]
fn a_publish_arrives_and_is_explained_and_its_stream_is_ended_from_the_page() {
    let listener = Listener::real(Config::default());
    let follow = Follow {
        client: Some(ClientId::new("ann").unwrap()),
        channels: vec![channel("news")],
        patterns: Vec::new(),
        start: Start::Now,
    };
    let mut ann = listener.wait(listener.handle.subscribe(follow)).unwrap();
    let mut script = Script::start("real", &listener.url());
    let published = script.report();
    let id = published[1].as_str().unwrap();
    assert_eq!(published[0], json!([format!("Published as {id} to 1 stream."), "good"]));
    match listener.wait(ann.next()) {
        Some(Ok(Told::Event(message))) => {
            assert_eq!((message.id().to_string().as_str(), &*message.fields().data), (id, "from the page"));
        }
        other => panic!("{other:?}"),
    }
    script.go_on();
    let verdict = script.report();
    assert!(verdict[0].as_str().unwrap().starts_with("✓ The socket took the event between "), "{verdict}");
    assert_eq!(verdict[1], "channel news");
    let purged = script.report();
    assert_eq!((&purged[0]["Kept events"], &purged[0]["Deliveries"]), (&json!("1"), &json!("1")));
    assert_eq!((&purged[1], &purged[2]), (&json!(["1 kept event was thrown away.", "good"]), &json!("0")));
    assert_eq!(script.report(), json!(["1 stream was told to end.", "good"]));
    assert!(listener.wait(ann.next()).is_none(), "the stream goes on");
    drop(ann);
    until("the stream has ended", || listener.handle.connections() == 0);
    script.go_on();
    assert_eq!(script.report(), json!(["0", "disconnected"]));
    script.end();
}
