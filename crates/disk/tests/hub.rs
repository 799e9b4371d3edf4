//! The journal behind a hub: what publishers are told, what is there after a restart, and what happens while the disk
//! fails.

mod support;

use std::{
    convert::Infallible,
    io::{self, IoSlice},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, JoinHandle, Thread},
    time::{Duration, Instant, SystemTime},
};

use fanfare_core::{
    Channel, Desk as _, Event, EventId, Gap, GapReason, Hub, IdempotencyKey, Journal as _, PublishError, ReadLimit,
    Receipt, Retention, Retentions, Shard, Socket, Start, Target, Wait,
};
use fanfare_disk::parts::{Config, Directory, DiskJournal, Fsync, LogConfig};
use support::{MemoryDisk, Op, boot, event, key};

const PATIENCE: Duration = Duration::from_secs(20);

/// Nobody subscribes.
#[derive(Debug)]
struct NoSocket(Infallible);

impl Socket for NoSocket {
    fn poll_write(&mut self, _: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self.0 {}
    }

    fn poll_discard(&mut self) -> Poll<io::Result<usize>> {
        match self.0 {}
    }

    fn shut_write(&mut self) {
        match self.0 {}
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let end = Instant::now() + PATIENCE;
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        assert!(Instant::now() < end, "nobody answers");
        thread::park_timeout(PATIENCE);
    }
}

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn unix_ms() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as u64
}

fn fsync(fsync: Fsync) -> Config {
    let log = LogConfig { fsync, segment_bytes_max: 4 << 10 };
    Config { log, fsync_interval: Duration::from_millis(5), ..Config::default() }
}

/// A hub and the thread of its journal.
struct Running {
    hub: Arc<Hub<NoSocket>>,
    _shards: Vec<Shard<NoSocket>>,
    thread: JoinHandle<io::Result<()>>,
}

impl Running {
    fn new(disk: &Arc<MemoryDisk>, config: Config) -> Self {
        Self::with(disk, config, Retentions::default())
    }

    fn with(disk: &Arc<MemoryDisk>, config: Config, history: Retentions) -> Self {
        // No shard takes anything out of its inbox.
        let core = fanfare_core::Config {
            inbox_messages_max: usize::MAX,
            inbox_bytes_max: usize::MAX,
            history,
            ..fanfare_core::Config::default()
        };
        // Nobody drives its shard, which takes nothing. Dropped, it would have the hub refuse what is published.
        let (hub, shards) = Hub::behind_journal(core, Box::new(unix_ms));
        let directory = Directory::with_files(disk.clone(), boot(1)).unwrap();
        let mut journal = Box::new(DiskJournal::with(directory, config));
        journal.restore(&*hub).unwrap();
        let desk = Arc::clone(&hub);
        Self { hub, _shards: shards, thread: thread::spawn(move || journal.run(&*desk)) }
    }

    fn publish(&self, event: Event) -> Result<Receipt, PublishError> {
        block_on(self.hub.publish(event, Wait::Journal))
    }

    fn publish_once(&self, event: Event, key: &IdempotencyKey) -> Result<Receipt, PublishError> {
        block_on(self.hub.publish_once(event, key, Wait::Journal))
    }

    /// What is kept of a channel, and what is missing.
    fn history(&self, channel: &str, start: &Start) -> (Vec<(EventId, String)>, Option<Gap>) {
        let limit = ReadLimit { messages_max: usize::MAX, bytes_max: usize::MAX };
        let page = self.hub.history(&Channel::new(channel).unwrap(), start, limit);
        (page.messages.iter().map(|message| (message.id(), message.fields().data)).collect(), page.gap)
    }

    fn data(&self) -> Vec<String> {
        self.history("a", &Start::Earliest).0.into_iter().map(|(_, data)| data).collect()
    }

    fn drain(self) -> io::Result<()> {
        self.hub.drain();
        self.thread.join().unwrap()
    }
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill_and_keys_are_known() {
    for fsync in [Fsync::Always, Fsync::Interval, Fsync::Never].map(fsync) {
        let disk = MemoryDisk::new();
        let running = Running::new(&disk, fsync);
        let ids: Vec<_> = (0..50).map(|n| running.publish(event(&n.to_string())).unwrap().id).collect();
        let first = running.publish_once(event("once"), &key("k")).unwrap();
        let live = running.publish_once(event("live").live_only(), &key("live")).unwrap();
        let again = Running::new(&disk.copy(), fsync);
        let (events, gap) = again.history("a", &Start::After(ids[9]));
        let expected: Vec<_> = (10..50).map(|n| n.to_string()).chain(["once".to_owned()]).collect();
        assert_eq!(events.iter().map(|(_, data)| data.clone()).collect::<Vec<_>>(), expected);
        assert_eq!((events[0].0, gap), (ids[10], None));
        let repeat = again.publish_once(event("once"), &key("k")).unwrap();
        assert_eq!((repeat.id, repeat.is_repeat), (first.id, true));
        let repeat = again.publish_once(event("live").live_only(), &key("live")).unwrap();
        assert_eq!((repeat.id, repeat.is_repeat), (live.id, true));
        assert_eq!(again.publish_once(event("other"), &key("k")), Err(PublishError::KeyReused));
        assert!(again.publish(event("new")).unwrap().id.ms() >= live.id.ms() + 1_000);
        running.drain().unwrap();
        again.drain().unwrap();
    }
}

#[test]
fn a_drain_leaves_a_journal_that_goes_on_where_it_ended() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Interval));
    let last = running.publish(event("x")).unwrap().id;
    running.drain().unwrap();
    let again = Running::new(&disk, fsync(Fsync::Interval));
    assert_eq!(again.hub.last_id(), last);
    again.drain().unwrap();
}

#[test]
fn eight_who_publish_together_have_ids_of_their_own_in_the_order_of_the_history() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Interval));
    let mut acknowledged: Vec<_> = thread::scope(|scope| {
        let publisher = |number: usize| {
            let running = &running;
            scope.spawn(move || {
                let publish = |n: usize| {
                    let data = format!("{number} {n}");
                    (running.publish(event(&data)).unwrap().id, data)
                };
                (0..100).map(publish).collect::<Vec<_>>()
            })
        };
        let publishers: Vec<_> = (0..8).map(publisher).collect();
        publishers.into_iter().flat_map(|publisher| publisher.join().unwrap()).collect()
    });
    acknowledged.sort();
    assert_eq!(running.history("a", &Start::Earliest).0, acknowledged);
    let again = Running::new(&disk.copy(), fsync(Fsync::Interval));
    assert_eq!(again.history("a", &Start::Earliest).0, acknowledged);
    again.drain().unwrap();
    running.drain().unwrap();
}

#[test]
fn a_full_disk_refuses_publishes_keeps_what_it_has_and_recovers_by_itself() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Interval));
    running.publish(event("before")).unwrap();
    disk.set_room(Some(20));
    for _ in 0..3 {
        assert_eq!(running.publish_once(event("refused"), &key("k")), Err(PublishError::Journal));
    }
    assert!(running.hub.trouble().is_some());
    assert_eq!(running.data(), ["before"], "history is served");
    disk.heal();
    until("it looks by itself", || running.hub.trouble().is_none());
    assert!(!running.publish_once(event("after"), &key("k")).unwrap().is_repeat);
    let again = Running::new(&disk.copy(), fsync(Fsync::Interval));
    assert_eq!(again.data(), ["before", "after"]);
    again.drain().unwrap();
    running.drain().unwrap();
}

#[test]
fn room_for_little_is_not_taken_for_room_for_what_was_refused() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Never));
    disk.set_room(Some(1_000));
    assert_eq!(running.publish(event(&"x".repeat(2_000))), Err(PublishError::Journal));
    let writes = disk.writes();
    // Two attempts: one that takes what there is room for, and one more.
    until("it has looked twice", || disk.writes() >= writes + 4);
    assert!(running.hub.trouble().is_some());
    // What is smaller finds its room.
    running.publish(event("small")).unwrap();
    running.drain().unwrap();
}

#[test]
fn with_interval_a_disk_that_does_not_come_to_syncing_is_waited_for_and_then_publishes_are_refused() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Interval));
    let mut acknowledged = vec![running.publish(event("first")).unwrap().id];
    until("it is on the disk", || disk.is_synced());
    disk.hold_syncs(true);
    // Until what is not on the disk is too old, and the patience with the disk is over.
    let refused = loop {
        let began = Instant::now();
        match running.publish(event("x")) {
            Ok(receipt) => acknowledged.push(receipt.id),
            Err(error) => break (error, began.elapsed() > fsync(Fsync::Interval).fsync_interval),
        }
    };
    assert_eq!(refused, (PublishError::Journal, true), "it was not given up at once");
    assert!(running.hub.trouble().is_some_and(|trouble| trouble.contains("does not sync")));
    disk.hold_syncs(false);
    until("the disk has come to it", || running.hub.trouble().is_none());
    acknowledged.push(running.publish(event("x")).unwrap().id);
    let kept = running.history("a", &Start::Earliest).0;
    assert_eq!(kept.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), acknowledged);
    running.drain().unwrap();
}

#[test]
fn a_publish_is_tried_at_once_when_there_is_room_again() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Never));
    disk.set_room(Some(0));
    assert_eq!(running.publish(event("refused")), Err(PublishError::Journal));
    disk.heal();
    running.publish(event("x")).unwrap();
    assert_eq!((running.hub.trouble(), running.data()), (None, vec!["x".to_owned()]));
    running.drain().unwrap();
}

#[test]
fn a_disk_that_cannot_even_take_back_what_it_wrote_is_said_to_be_unknown() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Never));
    running.publish(event("before")).unwrap();
    disk.fail(&[Op::Write, Op::SetLen]);
    assert_eq!(running.publish(event("unknown")), Err(PublishError::Unknown));
    disk.heal();
    running.publish(event("after")).unwrap();
    let again = Running::new(&disk.copy(), fsync(Fsync::Never));
    assert_eq!(again.data(), ["before", "after"]);
    again.drain().unwrap();
    running.drain().unwrap();
}

#[test]
fn a_sync_that_fails_is_unknown_with_always() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Always));
    running.publish(event("before")).unwrap();
    disk.fail(&[Op::SyncData]);
    assert_eq!(running.publish_once(event("x"), &key("k")), Err(PublishError::Unknown));
    assert!(running.hub.trouble().is_some());
    disk.heal();
    assert!(!running.publish_once(event("x"), &key("k")).unwrap().is_repeat);
    let again = Running::new(&disk.copy(), fsync(Fsync::Always));
    assert_eq!(again.data(), ["before", "x"], "once");
    again.drain().unwrap();
    running.drain().unwrap();
}

#[test]
fn with_interval_a_sync_that_fails_stops_publishes_until_one_works() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Interval));
    running.publish(event("before")).unwrap();
    disk.fail(&[Op::SyncData]);
    // What was before may be synced still, or not.
    let is_acknowledged = running.publish(event("meanwhile")).is_ok();
    until("the failure is seen", || running.hub.trouble().is_some());
    let files = disk.names().len();
    for _ in 0..100 {
        assert_eq!(running.publish(event("refused")), Err(PublishError::Journal));
    }
    // One a second would be right; each costs a file.
    assert!(disk.names().len() < files + 10, "{files} {}", disk.names().len());
    disk.heal();
    until("a sync has worked", || running.hub.trouble().is_none());
    running.publish(event("after")).unwrap();
    let expected: &[_] = if is_acknowledged { &["before", "meanwhile", "after"] } else { &["before", "after"] };
    assert_eq!(running.data(), expected);
    let again = Running::new(&disk.copy(), fsync(Fsync::Interval));
    assert_eq!(again.data(), expected);
    again.drain().unwrap();
    running.drain().unwrap();
}

#[test]
fn what_the_history_lets_go_of_is_given_back_and_told_as_expired_after_a_restart() {
    let ten = Retention { events_max: 10, bytes_max: usize::MAX, age_ms_max: u64::MAX };
    let history = || Retentions { each: ten, ..Retentions::default() };
    let disk = MemoryDisk::new();
    let running = Running::with(&disk, fsync(Fsync::Interval), history());
    let rare = Event::new(Target::Channel(Channel::new("rare").unwrap()), "rare");
    let rare_id = running.publish(rare).unwrap().id;
    let once = running.publish_once(event("once"), &key("k")).unwrap();
    let ids: Vec<_> =
        (0..200).map(|n| running.publish(event(&format!("{n} {}", "x".repeat(1_000)))).unwrap().id).collect();
    assert!(disk.total_bytes() > 200_000, "{}", disk.total_bytes());
    // Twice the history, four segments, the state.
    until("the space is given back", || disk.total_bytes() < 2 * running.hub.held_bytes() + 5 * (4 << 10));
    let again = Running::with(&disk.copy(), fsync(Fsync::Interval), history());
    let (events, gap) = again.history("a", &Start::After(ids[0]));
    assert_eq!(events.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids[190..]);
    assert_eq!(gap.map(|gap| (gap.reason, gap.to)), Some((GapReason::Expired, Some(ids[189]))));
    let (events, gap) = again.history("rare", &Start::After(rare_id.before()));
    assert_eq!((events, gap), (vec![(rare_id, "rare".to_owned())], None), "nothing of it is missing");
    assert_eq!(again.publish_once(event("once"), &key("k")).unwrap().id, once.id);
    again.drain().unwrap();
    running.drain().unwrap();
}

#[test]
fn keyed_events_take_no_more_of_the_disk_than_others_and_their_keys_are_known_without_them() {
    let two = Retention { events_max: 2, bytes_max: usize::MAX, age_ms_max: u64::MAX };
    let history = || Retentions { each: two, ..Retentions::default() };
    let data = |n: usize| format!("{n} {}", "x".repeat(3_000));
    let publish = |is_keyed: bool| {
        let disk = MemoryDisk::new();
        let running = Running::with(&disk, fsync(Fsync::Interval), history());
        let publish = |n: usize| match is_keyed {
            true => running.publish_once(event(&data(n)), &key(&n.to_string())).unwrap(),
            false => running.publish(event(&data(n))).unwrap(),
        };
        let receipts: Vec<_> = (0..300).map(publish).collect();
        (disk, running, receipts)
    };
    let (unkeyed_disk, unkeyed, _) = publish(false);
    let (disk, running, receipts) = publish(true);
    // Two events, four segments, the small files; and for each key a frame of 71 bytes.
    let allowed = 2 * 2 * 4_000 + 5 * (8 << 10);
    until("the space of events is given back", || unkeyed_disk.total_bytes() < allowed);
    until("the space of keyed events is given back", || disk.total_bytes() < allowed + 300 * 71);
    unkeyed.drain().unwrap();
    // Three times over: what was rewritten is read, and rewritten again.
    let mut runs = vec![running];
    for _ in 0..3 {
        let again = Running::with(&disk.copy(), fsync(Fsync::Interval), history());
        assert_eq!(again.data(), [data(298), data(299)]);
        for n in [0, 1, 150, 299] {
            let repeat = again.publish_once(event(&data(n)), &key(&n.to_string())).unwrap();
            assert_eq!((repeat.id, repeat.matched, repeat.is_repeat), (receipts[n].id, receipts[n].matched, true));
            assert_eq!(again.publish_once(event("other"), &key(&n.to_string())), Err(PublishError::KeyReused));
        }
        let (_, gap) = again.history("a", &Start::After(receipts[0].id));
        assert_eq!(gap.map(|gap| (gap.reason, gap.to)), Some((GapReason::Expired, Some(receipts[297].id))));
        runs.push(again);
    }
    runs.into_iter().for_each(|run| run.drain().unwrap());
}

#[test]
fn an_event_that_is_live_only_costs_no_more_than_its_key() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Interval));
    let before = disk.total_bytes();
    let live = || event(&"x".repeat(1_000_000)).live_only();
    let first = running.publish_once(live(), &key("k")).unwrap();
    assert!(disk.total_bytes() < before + 500, "{}", disk.total_bytes());
    let again = Running::new(&disk.copy(), fsync(Fsync::Interval));
    let repeat = again.publish_once(live(), &key("k")).unwrap();
    assert_eq!((repeat.id, repeat.is_repeat), (first.id, true));
    assert_eq!(again.publish_once(event(&"x".repeat(1_000_000)), &key("k")), Err(PublishError::KeyReused));
    assert_eq!(again.data(), [""; 0]);
    again.drain().unwrap();
    running.drain().unwrap();
}

/// Publishes into a small disk until that has given back what it had at least twice over.
fn fill(with_keys: bool, is_pinned: bool) {
    let two = Retention { events_max: 2, bytes_max: usize::MAX, age_ms_max: u64::MAX };
    let disk = MemoryDisk::new();
    // Segments of 1 MiB; of 64 KiB while the history is small.
    let log = LogConfig { fsync: Fsync::Interval, segment_bytes_max: 1 << 20 };
    let config = Config { log, fsync_interval: Duration::from_millis(5), ..Config::default() };
    let running = Running::with(&disk, config, Retentions { each: two, ..Retentions::default() });
    running.publish(event("first")).unwrap();
    disk.set_room(Some(400 << 10));
    let (mut acknowledged, mut refused) = (0, 0);
    let mut pinned = Vec::new();
    while acknowledged < 120 {
        if is_pinned && acknowledged % 10 == 0 {
            let rare = Event::new(Target::Channel(Channel::new(&format!("rare-{acknowledged}")).unwrap()), "rare");
            pinned.extend(running.publish(rare).ok().map(|receipt| (acknowledged, receipt.id)));
        }
        let large = event(&format!("{acknowledged} {}", "x".repeat(5_000)));
        let result = match with_keys {
            true => running.publish_once(large, &key(&acknowledged.to_string())),
            false => running.publish(large),
        };
        match result {
            Ok(_) => acknowledged += 1,
            Err(PublishError::Journal) => {
                refused += 1;
                until("it has room by itself", || running.hub.trouble().is_none());
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(refused > 0, "the disk was never full");
    let again = Running::with(&disk.copy(), config, Retentions { each: two, ..Retentions::default() });
    assert!(again.data().iter().all(|data| data.starts_with("119 ") || data.starts_with("118 ")));
    for (number, id) in pinned {
        let (events, gap) = again.history(&format!("rare-{number}"), &Start::After(id.before()));
        assert!(events.iter().any(|(found, _)| *found == id) && gap.is_none(), "{number}");
    }
    if with_keys {
        let large = event(&format!("0 {}", "x".repeat(5_000)));
        assert!(again.publish_once(large, &key("0")).unwrap().is_repeat);
    }
    again.drain().unwrap();
    running.drain().unwrap();
}

#[test]
fn a_disk_that_is_full_of_dead_events_gives_them_back_by_itself() {
    fill(false, false);
}

#[test]
fn a_disk_that_is_full_of_events_that_only_their_keys_outlive_gives_them_back_by_itself() {
    fill(true, false);
}

#[test]
fn a_disk_that_is_full_of_dead_events_with_a_live_one_here_and_there_gives_them_back_by_itself() {
    fill(false, true);
}

#[test]
fn a_segment_that_somebody_took_away_keeps_no_other_from_being_given_back() {
    let ten = Retention { events_max: 10, bytes_max: usize::MAX, age_ms_max: u64::MAX };
    let disk = MemoryDisk::new();
    let history = Retentions { each: ten, ..Retentions::default() };
    let running = Running::with(&disk, fsync(Fsync::Interval), history);
    for n in 0..100 {
        running.publish(event(&format!("{n} {}", "x".repeat(1_000)))).unwrap();
    }
    let oldest = disk.names()[0].clone();
    assert!(oldest.ends_with(".journal"));
    disk.take(&oldest);
    until("the space is given back", || disk.total_bytes() < 2 * running.hub.held_bytes() + 5 * (4 << 10));
    running.drain().unwrap();
}

#[test]
fn a_journal_that_was_not_read_does_not_run() {
    let directory = Directory::with_files(MemoryDisk::new(), boot(1)).unwrap();
    let (hub, _) = Hub::<NoSocket>::behind_journal(fanfare_core::Config::default(), Box::new(unix_ms));
    assert!(Box::new(DiskJournal::with(directory, Config::default())).run(&*hub).is_err());
}
