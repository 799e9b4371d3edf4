//! A program can see that the thread of a shard is gone. The log of this process panics on such a thread, so the shard is
//! gone as soon as it has something to say.

mod support;

use std::thread;

use fanfare_http::{Event, Fanfare, Follow, PublishError, Target, Wait};
use support::server::{Way, config};
use tracing::{
    Metadata, Subscriber,
    span::{Attributes, Id, Record},
};

struct PanicsInShards;

impl Subscriber for PanicsInShards {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        let is_shard = thread::current().name().is_some_and(|name| name.starts_with("shard-"));
        assert!(!is_shard, "the test says so");
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn a_program_can_see_that_a_shard_is_gone() {
    tracing::subscriber::set_global_default(PanicsInShards).unwrap();
    let mut config = config(Way::Socket);
    config.core.shards = 1;
    let fanfare = Fanfare::start(config).unwrap();
    let handle = fanfare.handle();
    let publish = || handle.publish(Event::new(Target::All, "x"), Wait::Journal);
    let events = handle.subscribe(Follow::channels([])).await.unwrap();
    assert!(publish().await.is_ok() && handle.is_ready());
    assert_eq!(handle.failure(), None);

    // The shard writes a line about the end of the connection.
    drop(events);
    let reason = "the thread shard-0 has panicked";
    assert_eq!(handle.failed().await.to_string(), reason);
    assert_eq!(fanfare.failed().await.to_string(), reason);
    assert_eq!(handle.failure().as_deref(), Some(reason));
    assert!(!handle.is_ready());
    assert_eq!(handle.trouble(), None, "nothing is wrong with the journal");
    assert_eq!(publish().await.map(|receipt| receipt.id), Err(PublishError::Broken));
    assert_eq!(fanfare.drain().await.unwrap_err().to_string(), reason);
}
