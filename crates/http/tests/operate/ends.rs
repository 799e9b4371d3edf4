//! Streams that an operator ends, and histories that an operator throws away.

use fanfare_core::{Pattern, Retention, engine::CloseReason, journal::Refusal};
use fanfare_http::{PublishError, Whose};

use super::{
    channel, client,
    support::{
        journal::{Mood, Script},
        server::{ALL_WAYS, Server, Way, config},
        until,
    },
    wait,
};

#[test]
fn a_stream_that_is_disconnected_has_what_waited_and_a_time_to_come_back() {
    for way in ALL_WAYS {
        let server = Server::new(way);
        let operator = server.handle().operator();
        let mut streams = ["ann", "bob", "eve"].map(|id| server.subscribe(&format!("/sse?id={id}&channel=c-{id}")));
        server.publish("/broadcast?wait=written", "before");
        assert_eq!(wait(operator.disconnect(Whose::Client(client("ann")))), 1, "{way:?}");
        assert_eq!(wait(operator.disconnect(Whose::Client(client("ann")))), 0, "{way:?}: its end is ordered already");
        assert_eq!(wait(operator.disconnect(Whose::Channel(channel("c-bob")))), 1);
        for stream in &mut streams[..2] {
            assert_eq!(stream.data_until_end(), ["before"], "{way:?}");
            stream.assert_closed();
        }
        until("both have ended", || {
            let closed = operator.figures().closed;
            closed.contains(&(CloseReason::Disconnected, 2))
        });
        server.publish("/broadcast", "after");
        assert_eq!([streams[2].data(), streams[2].data()], ["before", "after"], "{way:?}: the third goes on");
        assert_eq!(wait(operator.disconnect(Whose::Connection(3))), 1);
        assert_eq!(wait(operator.disconnect(Whose::Connection(99))), 0);
    }
}

#[test]
fn a_channel_that_was_purged_has_a_gap_for_those_who_come_back() {
    let server = Server::new(Way::Socket);
    let operator = server.handle().operator();
    let first = server.id_of("/channels/a", "1");
    server.publish("/channels/a", "2");
    server.publish("/channels/b", "3");
    assert_eq!(operator.channel(&channel("a")).1, 2);
    assert_eq!(wait(operator.purge(&channel("a"))), Ok(2));
    assert_eq!((operator.channel(&channel("a")).1, operator.channel(&channel("b")).1), (0, 1));
    assert_eq!(wait(operator.purge(&channel("never"))), Ok(0));
    let mut stream = server.resume("/sse?channel=a&channel=b", &first);
    assert_eq!(stream.gap().reason, "expired");
    assert_eq!(stream.data(), "3");
    server.publish("/channels/a", "4");
    assert_eq!(stream.data(), "4", "the channel goes on");
}

#[test]
fn a_purge_waits_for_the_journal_and_takes_nothing_if_that_refuses() {
    let script = Script::new(Mood::Takes);
    let server = Server::behind(Way::Socket, config(Way::Socket), &script);
    let operator = server.handle().operator();
    server.publish("/channels/a", "1");
    script.set(Mood::Refuses(Refusal::NotPublished));
    assert_eq!(wait(operator.purge(&channel("a"))), Err(PublishError::Journal));
    assert_eq!(operator.channel(&channel("a")).1, 1);
    script.set(Mood::Takes);
    assert_eq!(wait(operator.purge(&channel("a"))), Ok(1));
    assert_eq!(operator.channel(&channel("a")).1, 0);
}

#[test]
fn other_limits_of_the_history_hold_at_once() {
    let server = Server::new(Way::Socket);
    let operator = server.handle().operator();
    for number in 0..10 {
        server.publish("/channels/a", number.to_string());
        server.publish("/channels/b", number.to_string());
    }
    let mut retentions = config(Way::Socket).core.history;
    retentions.each = Retention { events_max: 3, ..retentions.each };
    retentions.channels = vec![(Pattern::new("b").unwrap(), Retention { events_max: 5, ..retentions.each })];
    operator.set_retentions(retentions.clone());
    until("the others are gone", || {
        let kept = ["a", "b"].map(|name| operator.channel(&channel(name)).1);
        kept == [3, 5]
    });
    retentions.each.events_max = 8;
    operator.set_retentions(retentions);
    (0..10).for_each(|_| drop(server.publish("/channels/a", "x")));
    assert_eq!(operator.channel(&channel("a")).1, 8);
}
