//! Many publish at once, and everybody sees all of it in one order, whichever shard writes and whichever way.

mod support;

use std::{
    sync::{Arc, Barrier},
    thread,
};

use support::{
    h2::H2,
    server::{H1_WAYS, Server, config},
    stream::Stream,
};

const PUBLISHERS: usize = 8;
const EVENTS_EACH: usize = 60;

/// The ids and data of all events up to the end of the stream.
fn read(mut stream: Stream) -> Vec<(u64, u64, String)> {
    let mut events = Vec::new();
    while let Some(event) = stream.next() {
        let (ms, n) = event.id.split_once('-').unwrap();
        events.push((ms.parse().unwrap(), n.parse().unwrap(), event.data));
    }
    events
}

#[test]
fn all_subscribers_see_all_events_once_and_in_the_same_order() {
    for way in H1_WAYS {
        let mut config = config(way);
        config.core.shards = 4;
        config.core.ring_messages_max = PUBLISHERS * EVENTS_EACH;
        config.core.ring_bytes_max = 16 << 20;
        let server = Arc::new(Server::start(way, config));
        let mut streams: Vec<_> = (0..9).map(|_| server.subscribe("/sse?channel=a")).collect();
        streams.extend((0..3).map(|_| {
            let mut stream = H2::open(server.address).subscribe("/sse?channel=a");
            stream.prelude();
            stream
        }));
        let readers: Vec<_> = streams.into_iter().map(|stream| thread::spawn(|| read(stream))).collect();

        let start = Arc::new(Barrier::new(PUBLISHERS));
        let publishers = (0..PUBLISHERS).map(|publisher| {
            let (server, start) = (Arc::clone(&server), Arc::clone(&start));
            thread::spawn(move || {
                let mut client = server.client();
                start.wait();
                for number in 0..EVENTS_EACH {
                    let path = if number % 2 == 0 { "/broadcast" } else { "/channels/a" };
                    let body = format!("{publisher} {number}");
                    assert_eq!(client.request("POST", path, &[], body.as_bytes()).status, 202);
                }
            })
        });
        for publisher in publishers.collect::<Vec<_>>() {
            publisher.join().unwrap();
        }
        let ended = Arc::into_inner(server).unwrap().drain();
        assert_eq!(ended.cut, 0);

        let seen: Vec<_> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        let first = &seen[0];
        assert!(first.is_sorted_by(|(ms, n, _), (next_ms, next_n, _)| (ms, n) < (next_ms, next_n)), "ids grow");
        for publisher in 0..PUBLISHERS {
            let of_one = first.iter().filter_map(|(_, _, data)| data.strip_prefix(&format!("{publisher} ")));
            let expected: Vec<_> = (0..EVENTS_EACH).map(|number| number.to_string()).collect();
            assert_eq!(of_one.collect::<Vec<_>>(), expected, "each of publisher {publisher}, once, in its order");
        }
        assert_eq!(first.len(), PUBLISHERS * EVENTS_EACH);
        for (number, other) in seen.iter().enumerate() {
            assert!(other == first, "{way:?}: subscriber {number} sees another order");
        }
    }
}
