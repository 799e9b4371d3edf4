//! Fates that are made on purpose, each named right.

use std::thread;

use fanfare_core::{Policy, Retention};
use fanfare_http::{Access, Operator, Place, Verdict};
use serde_json::json;

use super::{
    client, id, large, small,
    support::{
        server::{ALL_WAYS, Server, Way},
        tokens::{access, bearer, guarded, token},
        until,
    },
    wait,
};

fn fate(operator: &Operator, event: &str, of: &str) -> Verdict {
    wait(operator.explain(id(event), &client(of))).verdict
}

/// Publishes events for `of` until one of them waits at `place`, and returns its id.
fn wait_at(server: &Server, operator: &Operator, of: &str, place: Place) -> String {
    for _ in 0..64 {
        let event = server.id_of(&format!("/clients/{of}?wait=written"), large());
        if fate(operator, &event, of) == (Verdict::Waiting { place }) {
            return event;
        }
    }
    panic!("no event waits at {place:?}");
}

/// 5 channels, 20 followers of one each, 10 events: 200 fates.
#[test]
fn every_event_is_written_to_those_who_follow_it_and_to_nobody_else() {
    for way in ALL_WAYS {
        let server = Server::new(way);
        let operator = server.handle().operator();
        let mut streams: Vec<_> =
            (0..20).map(|number| server.subscribe(&format!("/sse?id=u{number}&channel=c{}", number % 5))).collect();
        let events: Vec<_> = (0..10)
            .map(|number| (number % 5, server.id_of(&format!("/channels/c{}?wait=written", number % 5), "x")))
            .collect();
        for (number, stream) in streams.iter_mut().enumerate() {
            let got: Vec<_> = (0..2).map(|_| stream.event().id).collect();
            let told: Vec<_> =
                events.iter().filter(|(channel, _)| *channel == number % 5).map(|(_, id)| id.clone()).collect();
            assert_eq!(got, told);
        }
        let mut fates = 0;
        for (channel, event) in &events {
            for number in 0..20 {
                let verdict = fate(&operator, event, &format!("u{number}"));
                let is_right = match number % 5 == *channel {
                    true => matches!(verdict, Verdict::Written { from, to } if from <= to),
                    false => verdict == Verdict::NotSubscribed,
                };
                assert!(is_right, "{way:?}: {event} of c{channel} for u{number}: {verdict:?}");
                fates += 1;
            }
        }
        assert_eq!(fates, 200);
    }
}

#[test]
fn who_was_not_there_was_not_there() {
    for way in ALL_WAYS {
        let server = Server::new(way);
        let operator = server.handle().operator();
        let before = server.id_of("/channels/a", "before");
        let mut stream = server.subscribe("/sse?id=ann&channel=a");
        let during = server.id_of("/channels/a", "during");
        assert_eq!(stream.event().id, during);
        drop(stream);
        until("ann has left", || operator.figures().closed.iter().any(|(_, count)| *count > 0));
        let after = server.id_of("/channels/a", "after");
        for (event, of) in [(&before, "ann"), (&after, "ann"), (&during, "nobody")] {
            assert_eq!(fate(&operator, event, of), Verdict::NotConnected, "{way:?}: {event} for {of}");
        }
        let explained = wait(operator.explain(id(&during), &client("ann")));
        assert!(matches!(explained.verdict, Verdict::Written { .. }), "{way:?}: {explained:?}");
        assert!(explained.connections[0].closed.is_some(), "{explained:?}");
    }
}

#[test]
fn what_the_history_gives_is_repaired() {
    for way in ALL_WAYS {
        let server = Server::new(way);
        let operator = server.handle().operator();
        let events: Vec<_> = (0..4).map(|number| server.id_of("/channels/a", number.to_string())).collect();
        let mut stream = server.resume("/sse?id=ann&channel=a", &events[0]);
        assert_eq!((0..3).map(|_| stream.event().id).collect::<Vec<_>>(), events[1..]);
        assert_eq!(fate(&operator, &events[0], "ann"), Verdict::NotConnected, "its stream began behind it");
        for event in &events[1..] {
            let verdict = fate(&operator, event, "ann");
            assert!(matches!(verdict, Verdict::Repaired { from, to } if from <= to), "{way:?}: {verdict:?}");
        }
    }
}

#[test]
fn what_waits_is_told_with_its_place() {
    let (server, operator) = small(|_| {});
    let mut stream = server.stuck();
    wait_at(&server, &operator, "stuck", Place::Socket);
    wait_at(&server, &operator, "stuck", Place::Ring);
    let owed = wait_at(&server, &operator, "stuck", Place::History);
    stream.prelude();
    while stream.event().id != owed {}
    until("it was written", || matches!(fate(&operator, &owed, "stuck"), Verdict::Repaired { .. }));
}

#[test]
fn what_was_dropped_is_in_a_gap_that_the_stream_is_told() {
    for policy in [Policy::DropNewest, Policy::DropOldest] {
        let (server, operator) = small(|config| config.policy = policy);
        let mut stream = server.stuck();
        let events: Vec<_> = (0..24).map(|_| server.id_of("/clients/stuck?wait=written", large())).collect();
        let dropped = || {
            let is_dropped = |event: &&String| matches!(fate(&operator, event, "stuck"), Verdict::Dropped { .. });
            events.iter().filter(is_dropped).cloned().collect::<Vec<_>>()
        };
        let lost = dropped();
        assert!(lost.len() > 4, "{policy:?}: {} of {} were dropped", lost.len(), events.len());
        // The stream goes on, and hears of them. Markers are dropped as well, until it has taken what waits.
        stream.prelude();
        let reader = thread::spawn(move || {
            let (mut got, mut told) = (Vec::new(), Vec::new());
            loop {
                match stream.next().unwrap() {
                    event if event.kind == "fanfare.gap" => told.push(event.data),
                    event if event.data == "marker" => return (got, told, stream),
                    event => got.push(event.id),
                }
            }
        });
        until("a marker comes", || {
            server.publish("/clients/stuck?wait=written", "marker");
            reader.is_finished()
        });
        let (got, told, _stream) = reader.join().unwrap();
        for event in &events {
            let verdict = fate(&operator, event, "stuck");
            let Verdict::Dropped { gap } = &verdict else {
                assert!(
                    matches!(verdict, Verdict::Written { .. }) && got.contains(event),
                    "{policy:?}: {event}: {verdict:?}"
                );
                continue;
            };
            let gap = gap.unwrap_or_else(|| panic!("{policy:?}: {event} is in no gap"));
            assert!(
                !got.contains(event) && gap.from < Some(id(event)) && Some(id(event)) <= gap.to,
                "{event}: {gap:?}"
            );
            assert!(told.contains(&gap.to_string()), "the stream was told {told:?}, and not {gap}");
        }
        assert_eq!(dropped().len(), events.len() - got.iter().filter(|id| events.contains(id)).count());
    }
}

#[test]
fn what_the_history_has_let_go_is_in_the_gap_of_those_who_come_back() {
    for way in ALL_WAYS {
        let mut config = super::config(way);
        config.core.history.each = Retention { events_max: 3, ..config.core.history.each };
        let server = Server::start(way, config);
        let operator = server.handle().operator();
        let events: Vec<_> = (0..8).map(|number| server.id_of("/channels/a", number.to_string())).collect();
        let mut stream = server.resume("/sse?id=ann&channel=a", &events[0]);
        let gap = stream.gap();
        assert_eq!(gap.reason, "expired", "{gap:?}");
        assert_eq!((0..3).map(|_| stream.event().id).collect::<Vec<_>>(), events[5..]);
        for event in &events[1..5] {
            let Verdict::InGap { gap: Some(gap) } = fate(&operator, event, "ann") else {
                panic!("{way:?}: {event} is in a gap")
            };
            assert_eq!(gap.reason.as_str(), "expired");
        }
        for event in &events[5..] {
            assert!(matches!(fate(&operator, event, "ann"), Verdict::Repaired { .. }), "{way:?}: {event}");
        }
    }
}

#[test]
fn what_waited_when_its_stream_ended_says_so() {
    let (server, operator) = small(|_| {});
    let stream = server.stuck();
    let event = wait_at(&server, &operator, "stuck", Place::Ring);
    stream.reset();
    until("it has left", || operator.figures().closed.iter().any(|(_, count)| *count > 0));
    let verdict = fate(&operator, &event, "stuck");
    assert!(matches!(verdict, Verdict::Closed { reason, .. } if reason.as_str() == "client gone"), "{verdict:?}");
    assert!(operator.figures().deliveries.abandoned > 0);
}

#[test]
fn whoever_was_refused_was_refused() {
    let server = guarded(Way::Socket, Access { public_publish: super::support::tokens::patterns(&["*"]), ..access() });
    let operator = server.handle().operator();
    let token = bearer(&token(json!({"subscribe": ["news"], "client": "ann"})));
    let asked = |path: &str| server.client().request("GET", path, &[("authorization", &token)], b"").status;
    assert_eq!(asked("/sse?channel=secret"), 403);
    assert_eq!(server.get("/sse?id=bob&channel=secret").status, 401);
    let (secret, news) = (server.id_of("/channels/secret", "x"), server.id_of("/channels/news", "x"));
    let rule_of = |event: &str, of: &str| match fate(&operator, event, of) {
        Verdict::Refused { rule, .. } => rule,
        other => other.as_str().to_owned(),
    };
    assert_eq!(rule_of(&secret, "ann"), "not-granted");
    assert_eq!(rule_of(&secret, "bob"), "no-credential");
    assert_eq!(rule_of(&news, "ann"), "not-connected", "nobody refused that");
}

#[test]
fn an_id_that_never_was_is_no_event_and_one_from_before_the_start_is_too_long_ago() {
    let server = Server::new(Way::Socket);
    let operator = server.handle().operator();
    let _stream = server.subscribe("/sse?id=ann&channel=a");
    let event = id(&server.id_of("/channels/a", "x"));
    for never in [fanfare_core::EventId::new(event.ms(), event.n() + 1), fanfare_core::EventId::new(u64::MAX, 0)] {
        assert_eq!(fate(&operator, &never.to_string(), "ann"), Verdict::NoSuchEvent);
        let explained = wait(operator.explain_connection(never, 1));
        assert_eq!(explained.map(|explained| explained.verdict), Some(Verdict::NoSuchEvent));
    }
    let verdict = wait(operator.explain_connection(id("1000-0"), 1)).unwrap().verdict;
    assert_eq!(verdict, Verdict::NotConnected, "its stream began long after that");
    for of in ["ann", "bob"] {
        assert_eq!(fate(&operator, "1000-0", of), Verdict::TooLongAgo, "{of} may have had another one by then");
    }
    assert!(wait(operator.explain_connection(event, 99)).is_none());
}
