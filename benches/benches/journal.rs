//! The journal on disk beside the one in memory: how many events a second publishers get through it, a few hundred under
//! way at a time, and how long a start takes with a million events. On the disk that the target directory is on.

use std::{
    hint::black_box,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fanfare_benches::{NoSocket, block_on, settings};
use fanfare_core::{
    Channel, Config, Event, Retention, Retentions, Target, Wait,
    engine::{Hub, Shard, Turn, UnixClock},
    journal::Journal as _,
};
use fanfare_disk::{Config as Kept, DiskJournal, Fsync, LogConfig};
use tempfile::TempDir;

/// Publishes under way at a time: those of a batch.
const WINDOW: usize = 512;
const CHANNELS: usize = 1_000;
/// Events that a start finds.
const FOUND: usize = 1_000_000;

fn clock() -> UnixClock {
    Box::new(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// A history that keeps this many events of each channel, whatever their size.
fn config(events_max: usize) -> Config {
    let each = Retention { events_max, bytes_max: usize::MAX, age_ms_max: u64::MAX };
    let history = Retentions { each, bytes_max: usize::MAX, ..Retentions::default() };
    Config { history, ..Config::default() }
}

fn events() -> Vec<Event> {
    let event = |number: usize| {
        let channel = Channel::new(&format!("channel-{}", number % CHANNELS));
        let channel = channel.unwrap_or_else(|_| unreachable!("a legal name"));
        Event::new(Target::Channel(channel), format!("{number:0128}"))
    };
    (0..CHANNELS).map(event).collect()
}

fn directory() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory for the journal")
}

fn open(path: &Path, fsync: Fsync) -> Box<DiskJournal> {
    let log = LogConfig { fsync, ..LogConfig::default() };
    Box::new(DiskJournal::open(path, Kept { log, ..Kept::default() }).expect("a journal"))
}

/// Publishes a window of events and waits until all are answered.
fn publish(hub: &Arc<Hub<NoSocket>>, shard: &mut Shard<NoSocket>, events: &mut impl Iterator<Item = Event>) {
    block_on(async {
        let mut window = Vec::with_capacity(WINDOW);
        for event in events.take(WINDOW) {
            window.push(hub.begin(event, None, Wait::Journal).await.expect("there is room"));
        }
        for underway in window {
            black_box(underway.receipt().await.expect("the journal takes it"));
        }
    });
    while shard.turn(0) != Turn::Idle {}
}

/// A hub behind a journal that runs on a thread of its own, for as long as `work` takes.
fn behind(journal: Box<DiskJournal>, config: Config, work: impl FnOnce(&Arc<Hub<NoSocket>>, &mut Shard<NoSocket>)) {
    let (hub, mut shards) = Hub::behind_journal(config, clock());
    let mut journal = journal;
    journal.restore(hub.desk()).expect("it can be read");
    thread::scope(|scope| {
        let desk = hub.desk();
        let journal = scope.spawn(move || journal.run(desk));
        work(&hub, &mut shards[0]);
        hub.drain();
        journal.join().expect("it does not panic").expect("it ends in order");
    });
}

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("journal/append");
    group.throughput(Throughput::Elements(WINDOW as u64));
    let all = events();
    group.bench_function("memory", |bencher| {
        let (hub, mut shards) = Hub::new(config(100), clock());
        let mut events = all.iter().cloned().cycle();
        bencher.iter(|| publish(&hub, &mut shards[0], &mut events));
    });
    for (name, fsync) in [("never", Fsync::Never), ("interval", Fsync::Interval), ("always", Fsync::Always)] {
        group.bench_function(name, |bencher| {
            let directory = directory();
            let mut events = all.iter().cloned().cycle();
            behind(open(directory.path(), fsync), config(100), |hub, shard| {
                bencher.iter(|| publish(hub, shard, &mut events));
            });
        });
    }
    group.finish();
}

fn start(criterion: &mut Criterion) {
    let directory = directory();
    let all = events();
    behind(open(directory.path(), Fsync::Never), config(FOUND), |hub, shard| {
        let mut events = all.iter().cloned().cycle().take(FOUND);
        for _ in 0..FOUND.div_ceil(WINDOW) {
            publish(hub, shard, &mut events);
        }
    });
    let mut group = criterion.benchmark_group("journal/start");
    group.throughput(Throughput::Elements(FOUND as u64)).sample_size(10).measurement_time(Duration::from_secs(10));
    group.bench_function("1000000 events", |bencher| {
        bencher.iter_with_large_drop(|| {
            let (hub, _shards) = Hub::<NoSocket>::behind_journal(config(FOUND), clock());
            open(directory.path(), Fsync::Interval).restore(hub.desk()).expect("it can be read");
            hub
        });
    });
    group.finish();
}

criterion_group! {
    name = journal;
    config = settings();
    targets = append, start
}
criterion_main!(journal);
