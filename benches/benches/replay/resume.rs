//! Streams that resume, alone and many at once, and how much live events to others lose by them.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use fanfare_benches::{Link, channel, client, event, follow};
use fanfare_core::{
    Channel, Form, Policy, Target,
    engine::{SlotRef, Subscribe},
};

use crate::archive::Archive;

/// Events to catch up with: as many as a channel keeps.
const EVENTS: usize = 1_000;
/// Streams that resume at once, and streams that are live beside them.
const SLOTS: usize = 1_000;
/// The fewest that criterion takes: an iteration takes long.
const SAMPLES: usize = 10;
/// Time between two live events. It is far from a flood, in which publishes wait for clients that catch up.
const PERIOD_MS: u64 = 100;

/// The time from the subscription to the last event. An element is one event for one stream.
pub(crate) fn resume(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("replay/1,000 events each");
    let mut archive = None;
    for (name, slots, form) in [
        ("to connections", 1, Form::Plain),
        ("to connections", SLOTS, Form::Plain),
        ("in envelopes to connections", SLOTS, Form::Envelope),
    ] {
        group.throughput(Throughput::Elements((EVENTS * slots) as u64));
        if slots > 1 {
            group.sample_size(SAMPLES).sampling_mode(SamplingMode::Flat);
        }
        group.bench_function(BenchmarkId::new(name, slots), |bencher| {
            let archive = archive.get_or_insert_with(|| Archive::of(EVENTS, &[Target::Channel(channel())]));
            bencher.iter_custom(|times| (0..times).map(|_| replay(archive, slots, form)).sum());
        });
    }
    group.finish();
}

fn replay(archive: &mut Archive, slots: usize, form: Form) -> Duration {
    let before = archive.link.taken();
    let started = Instant::now();
    let joined = archive.come_for(slots, &[channel()], form);
    archive.finish(slots, before);
    let took = started.elapsed();
    archive.part(&joined);
    took
}

/// The time from a publish until the last live stream has it. An element is one live delivery. The cost of clients that
/// catch up is the ratio of the two figures. It is larger than over a kernel: there live writes take much longer, and
/// reads of the journal do not.
pub(crate) fn beside(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("replay/broadcast to 1,000 live");
    group.throughput(Throughput::Elements(SLOTS as u64));
    for (name, slots) in [("alone", 0), ("beside 1,000 that catch up", SLOTS)] {
        let mut live = None;
        group.bench_function(name, |bencher| {
            let live = live.get_or_insert_with(|| Live::beside(slots));
            bencher.iter_custom(|times| live.broadcasts(times));
        });
    }
    group.finish();
}

/// Streams that are live, and how many catch up beside them with another channel.
struct Live {
    archive: Archive,
    link: Link,
    slots: usize,
}

impl Live {
    fn beside(slots: usize) -> Self {
        let (mut archive, link) = (Archive::of(EVENTS, &[Target::Channel(channel())]), Link::open());
        for number in 0..SLOTS {
            let wishes = Subscribe { channels: vec![live()], ..follow(client(1 + number), Policy::default()) };
            archive.stage.connect_for(wishes, &link);
        }
        archive.stage.settle();
        Self { archive, link, slots }
    }

    /// The time of this many broadcasts while the other clients are in the middle of catching up.
    fn broadcasts(&mut self, times: u64) -> Duration {
        let mut took = Duration::ZERO;
        let mut wave = self.wave();
        for _ in 0..times {
            if self.is_nearly_over(&wave) {
                self.end(&wave);
                wave = self.wave();
            }
            let started = Instant::now();
            self.broadcast();
            took += started.elapsed();
            let caught = self.archive.link.taken() - wave.before;
            assert!(self.slots == 0 || caught < self.archive.due(self.slots), "they still catch up");
        }
        self.end(&wave);
        took
    }

    fn broadcast(&mut self) {
        let (stage, due) = (&mut self.archive.stage, self.link.taken() + SLOTS);
        stage.pass_ms(PERIOD_MS);
        stage.publish(event(&Target::Channel(live())));
        while self.link.taken() < due {
            stage.turn();
        }
        assert_eq!(self.link.taken(), due, "once to each");
    }

    /// Connects the clients that catch up. The shard has taken them all once it has taken an event that was published
    /// later.
    fn wave(&mut self) -> Wave {
        let before = self.archive.link.taken();
        let slots = self.archive.come(self.slots, &[channel()]);
        self.broadcast();
        Wave { slots, before }
    }

    /// Whether nearly all is delivered. No client is done much earlier, because they have their turns one after the
    /// other.
    fn is_nearly_over(&self, wave: &Wave) -> bool {
        self.slots > 0 && (self.archive.link.taken() - wave.before) * 10 > self.archive.due(self.slots) * 9
    }

    fn end(&mut self, wave: &Wave) {
        self.archive.finish(self.slots, wave.before);
        self.archive.part(&wave.slots);
    }
}

/// Clients that catch up together.
struct Wave {
    slots: Vec<SlotRef>,
    before: usize,
}

/// The channel of the live clients alone.
fn live() -> Channel {
    Channel::new("live").unwrap_or_else(|_| unreachable!("a legal name"))
}
