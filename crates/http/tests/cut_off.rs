//! A page in a real browser whose connection is cut again and again while events are published: it misses nothing, gets
//! nothing twice, and is told of no gap. Nothing in the page but an EventSource.

mod clients;
mod support;

use std::{thread, time::Duration};

use clients::{Cutter, Engine, Program, Site, Source};
use serde_json::Value;
use support::server::{H1_WAYS, config};

const CUTS: usize = 20;
/// A bound for a page that has gone wrong.
const PUBLISHED_MAX: usize = 10_000;
const LAST: &str = "last";

/// The numbers that the page has seen, in its order, and how often its stream was opened.
fn read_to_the_end(page: &mut Program) -> (Vec<usize>, usize) {
    let (mut numbers, mut opened) = (Vec::new(), 1);
    loop {
        let line: Value = page.json();
        if line["open"] == true {
            opened += 1;
            continue;
        }
        assert_eq!(line["event"], "message", "{line}");
        match line["data"].as_str().unwrap() {
            LAST => return (numbers, opened),
            number => numbers.push(number.parse().unwrap()),
        }
    }
}

#[track_caller]
fn assert_misses_nothing(engine: Engine) {
    for way in H1_WAYS {
        let mut config = config(way);
        config.retry_ms = 20..=60;
        // However long the page or its machine takes to come back.
        config.core.history.each.events_max = PUBLISHED_MAX;
        config.core.history.each.bytes_max = 64 << 20;
        let site = Site::start(config);
        let cutter = Cutter::start(site.address);
        let url = format!("http://{}/channels/cut?heartbeat=cursor", cutter.address);
        let mut page = Program::page(engine, &Source::alone("EventSource", &url, &["message", "fanfare.gap"]));
        page.opened();
        let (numbers, opened, published) = thread::scope(|scope| {
            let publisher = scope.spawn(|| {
                let mut published = 0;
                while cutter.cuts() < CUTS && published < PUBLISHED_MAX {
                    site.publish("/channels/cut", &[], published.to_string().as_bytes());
                    published += 1;
                    // As fast as a busy feed, and not as fast as can be: the history has to reach back to the cut.
                    thread::sleep(Duration::from_millis(1));
                }
                site.publish("/channels/cut", &[], LAST.as_bytes());
                published
            });
            let (numbers, opened) = read_to_the_end(&mut page);
            (numbers, opened, publisher.join().unwrap())
        });
        assert!(opened > CUTS / 2, "{way:?}: opened {opened} times");
        assert_eq!(numbers, (0..published).collect::<Vec<_>>(), "{way:?}");
    }
}

#[test]
fn chromium_misses_nothing_however_often_its_connection_is_cut() {
    assert_misses_nothing(Engine::Chromium);
}
