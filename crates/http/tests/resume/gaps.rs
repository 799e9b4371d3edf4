//! Losses are told: the delivered events and those told as missing are together the published ones.

use std::{thread, time::Duration};

use fanfare_core::Retention;
use fanfare_http::Config;

use crate::support::{
    events::position,
    server::{ALL_WAYS, Server, WAYS, Way, config},
    stream::Stream,
};

/// Keeps `events` of each target.
fn short_of_history(way: Way, events: usize) -> Config {
    let mut config = config(way);
    config.core.history.each = Retention { events_max: events, ..Retention::default() };
    config
}

/// The same, and a subscriber that does not read is soon full.
fn narrow(way: Way, events: usize) -> Config {
    let mut config = Config { send_buffer_bytes: 4 << 10, ..short_of_history(way, events) };
    config.core.ring_messages_max = 8;
    config.core.ring_bytes_max = 1 << 20;
    config.core.patience_ms = 0;
    config
}

/// The events and gaps of one reader.
#[derive(Debug, Default)]
struct Seen {
    numbers: Vec<u64>,
    missed: u64,
    /// The last event that came.
    had: (u64, u64),
    /// The last that is lost.
    lost: (u64, u64),
}

impl Seen {
    /// Takes the next event, whose data begins with its number, or the next gap.
    #[track_caller]
    fn take(&mut self, stream: &mut Stream) {
        let event = stream.event();
        let Some(gap) = event.gap() else {
            let number = event.data.split(' ').next().unwrap().parse().unwrap();
            assert!(self.numbers.last().is_none_or(|last| *last < number), "{number} after {:?}", self.numbers.last());
            let id = position(&event.id);
            assert!(self.had < id && self.lost < id, "{id:?}: {:?}, {:?}", self.had, self.lost);
            self.numbers.push(number);
            self.had = id;
            return;
        };
        assert_eq!(gap.reason, "busy");
        let from = position(&gap.from.expect("it is a stream that was open"));
        let to = position(&gap.to.expect("so is its end"));
        // Two gaps with no event between them begin at the same place.
        assert!(self.had <= from && from < to && self.lost < to, "{from:?}, {to:?}: {:?}, {:?}", self.had, self.lost);
        self.lost = to;
        self.missed += gap.missed.expect("it is exact");
    }

    /// Takes events up to number `last`.
    #[track_caller]
    fn take_until(&mut self, stream: &mut Stream, last: u64) {
        while self.numbers.last() != Some(&last) {
            self.take(stream);
        }
    }

    fn total(&self) -> u64 {
        self.numbers.len() as u64 + self.missed
    }
}

#[test]
fn what_history_does_not_keep_any_more_is_told_up_to_the_last_id_lost() {
    for way in ALL_WAYS {
        let server = Server::start(way, short_of_history(way, 5));
        let had = server.id_of("/channels/a", "had");
        let ids: Vec<_> = (0..20).map(|number| server.id_of("/channels/a", number.to_string())).collect();
        let mut stream = server.resume("/channels/a", &had);
        let gap = stream.gap();
        assert_eq!((gap.missed, gap.reason.as_str()), (None, "expired"));
        assert_eq!((gap.from.as_deref(), gap.to.as_deref()), (Some(&*had), Some(&*ids[14])));
        for number in 15..20 {
            assert_eq!(stream.data(), number.to_string());
        }
        // Behind the last that was lost nothing is missing.
        let mut stream = server.resume("/channels/a", &ids[14]);
        assert_eq!(stream.data(), "15");
        // A client that asks for the earliest events has lost nothing.
        assert_eq!(server.subscribe("/channels/a?since=earliest").data(), "15");
    }
}

#[test]
fn a_gap_of_another_channel_is_told_to_nobody_else() {
    let server = Server::start(Way::Socket, short_of_history(Way::Socket, 5));
    let had = server.id_of("/channels/quiet", "had");
    server.publish("/channels/quiet", "missed");
    for number in 0..20 {
        server.publish("/channels/loud", number.to_string());
    }
    let mut stream = server.resume("/channels/quiet", &had);
    assert_eq!(stream.data(), "missed");
}

#[test]
fn a_reader_that_stops_gets_what_is_kept_and_is_told_exactly_how_many_are_not() {
    const EVENTS: u64 = 300;
    for way in WAYS {
        let server = Server::start(way, narrow(way, 10));
        let mut stream = server.stuck();
        for number in 0..EVENTS {
            let receipt = server.publish("/clients/stuck?wait=written", format!("{number} {}", "x".repeat(20_000)));
            assert_eq!((&receipt["matched"], &receipt["dropped"]), (&1.into(), &0.into()), "repaired or told later");
        }
        stream.prelude();
        let mut seen = Seen::default();
        seen.take_until(&mut stream, EVENTS - 1);
        assert_eq!(seen.total(), EVENTS, "{way:?}: {seen:?}");
        assert!(seen.missed > 100, "{way:?}: {seen:?}");
        server.publish("/clients/stuck", EVENTS.to_string());
        seen.take_until(&mut stream, EVENTS);
        assert_eq!(seen.total(), EVENTS + 1, "{way:?}: live again");
    }
}

#[test]
fn a_reader_that_stops_gets_everything_if_history_has_it() {
    const EVENTS: u64 = 150;
    for way in ALL_WAYS {
        let server = Server::start(way, narrow(way, 1_000));
        let mut stream = server.stuck();
        for number in 0..EVENTS {
            server.publish("/clients/stuck", format!("{number} {}", "x".repeat(20_000)));
        }
        stream.prelude();
        let mut seen = Seen::default();
        seen.take_until(&mut stream, EVENTS - 1);
        assert_eq!((seen.numbers.len() as u64, seen.missed), (EVENTS, 0), "{way:?}");
    }
}

#[test]
fn events_that_are_not_kept_are_told_as_busy_when_they_were_dropped() {
    const EVENTS: u64 = 150;
    for way in WAYS {
        let server = Server::start(way, narrow(way, 1_000));
        let mut stream = server.stuck();
        for number in 0..EVENTS {
            server.publish("/clients/stuck?keep=no", format!("{number} {}", "x".repeat(20_000)));
        }
        stream.prelude();
        server.publish("/clients/stuck", EVENTS.to_string());
        let mut seen = Seen::default();
        seen.take_until(&mut stream, EVENTS);
        assert_eq!(seen.total(), EVENTS + 1, "{way:?}: {seen:?}");
        assert!(seen.missed > 0, "{way:?}");
    }
}

#[test]
fn readers_of_five_speeds_account_for_every_event_of_a_flood() {
    const EVENTS: u64 = 3_000;
    for way in ALL_WAYS {
        let mut config = short_of_history(way, 100);
        (config.core.ring_messages_max, config.send_buffer_bytes) = (16, 4 << 10);
        let server = Server::start(way, config);
        thread::scope(|scope| {
            for pause_us in [0, 50, 500, 5_000, 20_000] {
                let mut stream = server.subscribe("/channels/a");
                scope.spawn(move || {
                    let mut seen = Seen::default();
                    let mut taken = 0;
                    while seen.numbers.last() != Some(&(EVENTS - 1)) {
                        seen.take(&mut stream);
                        taken += 1;
                        // Its speed, for as long as the flood takes about.
                        if taken < 100 {
                            thread::sleep(Duration::from_micros(pause_us));
                        }
                    }
                    assert_eq!(seen.total(), EVENTS, "{way:?}, {pause_us}");
                });
            }
            let line = |number| format!("{{\"channel\":\"a\",\"data\":\"{number} {}\"}}\n", "x".repeat(1_000));
            let lines: String = (0..EVENTS).map(line).collect();
            assert_eq!(server.publish("/publish", lines)["published"], EVENTS);
        });
    }
}
