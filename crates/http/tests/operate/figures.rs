//! The figures of a server agree with what a client outside of it counts.

use std::thread;

use fanfare_core::engine::CloseReason;
use fanfare_http::{Config, Figures, Transport};

use super::{
    large, small,
    support::{
        server::{ALL_WAYS, Server, Way},
        until,
    },
};

fn of<K: PartialEq + Copy>(counts: &[(K, u64)], key: K) -> u64 {
    counts.iter().find(|(one, _)| *one == key).map_or(0, |(_, count)| *count)
}

#[test]
fn what_clients_count_is_what_the_server_says() {
    for way in ALL_WAYS {
        let server = Server::new(way);
        let operator = server.handle().operator();
        let readers: Vec<_> = (0..5)
            .map(|_| {
                let mut stream = server.subscribe("/sse?channel=a");
                thread::spawn(move || {
                    let (mut events, mut bytes) = (0_u64, 0);
                    loop {
                        let event = stream.event();
                        if event.data == "the end" {
                            return (events, bytes, stream);
                        }
                        events += 1;
                        bytes += event.data.len() as u64;
                    }
                })
            })
            .collect();
        for number in 0..40 {
            server.publish("/channels/a", "x".repeat(number));
        }
        server.publish("/channels/nobody", "x");
        server.publish("/channels/a", "the end");
        let counted: Vec<_> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        let (events, bytes) = counted.iter().fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
        let ends = counted.len() as u64;
        until("all is counted", || operator.figures().deliveries.written == events + ends);
        let figures = operator.figures();
        assert_eq!((figures.deliveries.matched, events), (205, 200), "{way:?}");
        assert_eq!((figures.events, of(&figures.publishes, "published")), (42, 42), "{way:?}");
        assert!(figures.deliveries.written_bytes > bytes && figures.requests >= 47, "{way:?}: {figures:?}");
        let transport = match way {
            Way::Socket | Way::Body => Transport::Http1,
            Way::H2 | Way::H2Body => Transport::Http2,
            Way::Tls => Transport::Https1,
            Way::TlsH2 => Transport::Https2,
        };
        assert_eq!((of(&figures.connections, transport), of(&figures.opened, transport)), (5, 5), "{way:?}");
        assert_eq!((figures.channels, figures.clients), (1, 5));
        drop(counted);
        until("all have left", || of(&operator.figures().connections, transport) == 0);
        let Figures { closed, opened, .. } = operator.figures();
        assert_eq!((of(&closed, CloseReason::ClientGone), of(&opened, transport)), (5, 5), "{way:?}");
    }
}

#[test]
fn times_are_measured_for_each_delivery_and_each_event() {
    let server = Server::new(Way::Socket);
    let operator = server.handle().operator();
    let mut streams: Vec<_> = (0..3).map(|_| server.subscribe("/sse?channel=a")).collect();
    for _ in 0..10 {
        server.publish("/channels/a", "x");
    }
    streams.iter_mut().for_each(|stream| (0..10).for_each(|_| drop(stream.event())));
    let count = |figures: &Figures| {
        [&figures.order_waits, &figures.to_socket, &figures.fan_out]
            .map(|histogram| histogram.buckets.iter().map(|(_, count)| count).sum::<u64>())
    };
    until("all is measured", || count(&operator.figures()) == [10, 30, 10]);
    let figures = operator.figures();
    assert!(figures.to_socket.sum > 0.0 && figures.fan_out.sum > 0.0, "{figures:?}");
}

#[test]
fn drops_repairs_and_gaps_are_counted() {
    let (server, operator) = small(|config: &mut Config| config.core.history.each.events_max = 3);
    let mut stream = server.stuck();
    let last = (0..24).fold(String::new(), |_, _| server.id_of("/clients/stuck?wait=written", large()));
    until("some were dropped", || operator.figures().deliveries.dropped > 3);
    assert!(operator.figures().ring_bytes > 0);
    stream.prelude();
    let (mut got, mut missed) = (0, 0);
    loop {
        let event = stream.next().unwrap();
        if event.kind == "fanfare.gap" {
            let gap: serde_json::Value = serde_json::from_str(&event.data).unwrap();
            missed += gap["missed"].as_u64().unwrap();
            continue;
        }
        got += 1;
        if event.id == last {
            break;
        }
    }
    until("all has left", || operator.figures().deliveries.written == got);
    let Figures { deliveries, gaps, .. } = operator.figures();
    assert_eq!((got + missed, deliveries.lost, deliveries.matched), (24, missed, 24));
    assert_eq!(deliveries.dropped, deliveries.repaired + deliveries.lost);
    assert!(missed > 0 && of(&gaps, fanfare_core::GapReason::Busy) > 0, "{gaps:?}");
}
