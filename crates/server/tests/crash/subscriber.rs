//! Subscribers like EventSource: they resume from their last id, and record everything. Also readers of the final
//! history.

use std::{net::SocketAddr, thread, time::Duration};

use fanfare_judge::{Block, CURSOR, Dispatched, GAP};

use crate::{
    ledger::{Seen, Target, View, id},
    site::Site,
    support::wire::{EventStream, Requests},
};

/// The type of the event that ends a stream.
pub(crate) const END: &str = "end";

/// A subscriber's way to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// At once, from the last id of all.
    Prompt,
    /// From the id of the last event that it received itself, even if that is old.
    OfEvents,
    /// After this many more events have been acknowledged.
    AwayFor(u64),
}

/// The path of a stream of these targets. Events to all need no parameter.
fn path(targets: &[Target]) -> String {
    let parameters = targets.iter().map(|target| match target {
        Target::All => String::new(),
        Target::Channel(name) => format!("&channel={name}"),
        Target::Client(name) => format!("&id={name}"),
    });
    format!("/sse?heartbeat=cursor{}", parameters.collect::<String>())
}

/// Follows `targets` until the end event comes or the site is over. Calls `has_begun` as soon as there is a position.
pub(crate) fn follow(site: &Site, targets: &[Target], habit: Habit, has_begun: impl FnOnce()) -> View {
    let mut follower = Follower { path: path(targets), habit, last_event_id: None, seen: Vec::new() };
    let mut has_begun = Some(has_begun);
    let (mut after, mut refused) = (None, 0);
    'connections: while let Some((address, lives)) = site.address(refused) {
        let Ok(mut stream) = EventStream::open(address, &follower.path, follower.last_event_id.as_deref()) else {
            refused = lives;
            continue;
        };
        while let Ok(Some(block)) = stream.next() {
            let is_end = follower.take(&block);
            if after.is_none()
                && let Some(last) = &follower.last_event_id
            {
                assert_eq!(follower.seen, [], "the position comes first");
                after = Some(id(last));
                has_begun.take().into_iter().for_each(|has_begun| has_begun());
            }
            if is_end || site.is_over() {
                break 'connections;
            }
        }
        stay_away(site, habit);
    }
    // It is over without the end only where another part has failed.
    let after = after.unwrap_or_default();
    View { place: format!("stream of {targets:?}, {habit:?}"), targets: targets.to_vec(), after, seen: follower.seen }
}

fn stay_away(site: &Site, habit: Habit) {
    let Habit::AwayFor(events) = habit else { return };
    let enough = site.acknowledged() + events;
    while site.acknowledged() < enough && !site.is_closing() {
        thread::sleep(Duration::from_millis(1));
    }
}

struct Follower {
    path: String,
    habit: Habit,
    last_event_id: Option<String>,
    seen: Vec<Seen>,
}

impl Follower {
    /// Takes a block. Its id counts from the end of the block on. True at the end event.
    fn take(&mut self, block: &Block) -> bool {
        let is_taken = self.habit != Habit::OfEvents || self.last_event_id.is_none() || block.event.kind != CURSOR;
        if let Some(id) = block.id.as_ref().filter(|_| is_taken) {
            self.last_event_id = Some(id.clone());
        }
        let Dispatched { kind, data, .. } = &block.event;
        match &**kind {
            END => return true,
            CURSOR => {}
            GAP => self.seen.push(Seen::Gap(data.clone())),
            "message" => {
                let id = id(block.id.as_deref().expect("every event has an id"));
                self.seen.push(Seen::event(id, data));
            }
            other => panic!("no event of the type {other:?} was published"),
        }
        false
    }
}

/// Reads all kept events of `targets` from a stream, up to the end.
pub(crate) fn replay(address: SocketAddr, targets: &[Target]) -> View {
    let habit = Habit::Prompt;
    let mut follower = Follower { path: path(targets), habit, last_event_id: None, seen: Vec::new() };
    let mut stream = EventStream::open(address, &format!("{}&since=earliest", follower.path), None).unwrap();
    loop {
        let block = stream.next().unwrap().expect("the stream goes on");
        if follower.take(&block) {
            let place = "a stream since=earliest".to_owned();
            return View { place, targets: targets.to_vec(), after: (0, 0), seen: follower.seen };
        }
    }
}

/// Reads every page of a channel's history.
pub(crate) fn pages(address: SocketAddr, channel: &'static str) -> View {
    let mut requests = Requests::open(address).unwrap();
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let answer = requests.get(&format!("/channels/{channel}/history?limit=1000&after={after}")).unwrap();
        let page = answer.json();
        if !page["gap"].is_null() {
            seen.push(Seen::Gap(page["gap"].to_string()));
        }
        let events = page["events"].as_array().unwrap_or_else(|| panic!("{answer:?}"));
        if events.is_empty() {
            let place = format!("history of {channel}");
            return View { place, targets: vec![Target::Channel(channel)], after: (0, 0), seen };
        }
        let text = |event: &serde_json::Value, member| event[member].as_str().unwrap().to_owned();
        seen.extend(events.iter().map(|event| Seen::event(id(&text(event, "id")), &text(event, "data"))));
        after = text(&page, "next");
    }
}
