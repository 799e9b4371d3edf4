//! One read of the journal, by how many targets it merges.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput};
use fanfare_benches::client;
use fanfare_core::{Channel, Config, Target};

use crate::archive::Archive;

/// Events of one read: as many as a ring holds.
const EVENTS: usize = 64;
/// Reads that the whole history takes, so that even of 130 targets each has an event when the first is done.
const READS: usize = 3;

/// The first read of a stream. An element is one read, of 64 events.
pub(crate) fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("replay/read of 64 events");
    group.throughput(Throughput::Elements(1));
    for channels in [0, 1, 128] {
        let channels: Vec<_> = (0..channels).map(channel).collect();
        let targets = targets(&channels);
        let mut archive = None;
        group.bench_function(BenchmarkId::new("merged targets", targets.len()), |bencher| {
            let archive = archive.get_or_insert_with(|| Archive::of(READS * EVENTS, &targets));
            bencher.iter_custom(|reads| time(archive, &channels, reads));
        });
    }
    group.finish();
}

/// The targets that reach a client on `channels`. Without a channel the only target is all, because the client's own
/// has had no events.
fn targets(channels: &[Channel]) -> Vec<Target> {
    let mut targets = vec![Target::All];
    if !channels.is_empty() {
        targets.push(Target::Client(client(0)));
        targets.extend(channels.iter().cloned().map(Target::Channel));
    }
    targets
}

/// The time of `reads` reads, each for a stream of its own, as many at once as may ask.
fn time(archive: &mut Archive, channels: &[Channel], reads: u64) -> Duration {
    let (mut took, at_once) = (Duration::ZERO, Config::default().reads_max);
    let mut left = usize::try_from(reads).unwrap_or(usize::MAX);
    while left > 0 {
        let (hub, before) = (archive.stage.hub(), archive.link.taken());
        let slots = archive.come(left.min(at_once), channels);
        let requests = archive.stage.ask();
        assert_eq!(requests.len(), slots.len(), "each asks");
        let started = Instant::now();
        requests.into_iter().for_each(|request| hub.read(request));
        took += started.elapsed();
        archive.finish(slots.len(), before);
        archive.part(&slots);
        left -= slots.len();
    }
    took
}

fn channel(number: usize) -> Channel {
    Channel::new(&format!("channel-{number}")).unwrap_or_else(|_| unreachable!("a legal name"))
}
