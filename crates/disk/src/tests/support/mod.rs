//! A disk in memory that fails and crashes as it is told, and short words for what tests do with a journal on it.

mod memory_disk;
pub(crate) mod running;

use std::sync::Arc;

use fanfare_core::{
    Channel, Event, EventId, IdempotencyKey, Target,
    journal::{Claim, Holds, KeptKey},
};

use crate::{
    boot::Boot,
    config::{Fsync, LogConfig},
    directory::Directory,
    finding::Finding,
    log::Log,
    read_only::ReadOnlyDirectory,
    record::{Entry, Stored},
    recovery::Recovered,
};

pub(crate) use memory_disk::{MemoryDisk, Op};

/// Tests begin at this time.
pub(crate) const NOW_MS: u64 = 1_000_000;

pub(crate) fn boot(number: u8) -> Boot {
    Boot::from_bytes([number; 16])
}

pub(crate) fn channel(name: &str) -> Target {
    Target::Channel(Channel::new(name).unwrap())
}

pub(crate) fn event(data: &str) -> Event {
    Event::new(channel("a"), data)
}

pub(crate) fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::new(text, "scope").unwrap()
}

pub(crate) fn entry(event: &Event) -> Entry<'_> {
    Entry { event, key: None }
}

/// The event with this key, and so many connections that it reached.
pub(crate) fn keyed<'a>(event: &'a Event, text: &str, matched: usize) -> Entry<'a> {
    Entry { event, key: Some(KeptKey { claim: Claim::new(&key(text), event), matched }) }
}

/// Live or dead as a whole.
pub(crate) fn whole(is_live: bool) -> Holds {
    Holds { event: is_live, key: is_live }
}

pub(crate) fn config(fsync: Fsync) -> LogConfig {
    LogConfig { fsync, ..LogConfig::default() }
}

/// The result of a start.
pub(crate) struct Started {
    pub(crate) stored: Vec<Stored>,
    pub(crate) recovered: Recovered,
}

impl Started {
    pub(crate) fn data(&self) -> Vec<&str> {
        self.stored.iter().filter_map(|stored| Some(stored.event.as_ref()?.data())).collect()
    }

    pub(crate) fn ids(&self) -> Vec<EventId> {
        self.stored.iter().map(|stored| stored.id).collect()
    }

    pub(crate) fn findings(&self) -> &[Finding] {
        self.recovered.findings()
    }

    pub(crate) fn log(&self, config: LogConfig) -> Log {
        Log::new(&self.recovered, config)
    }
}

pub(crate) fn start_in(disk: &Arc<MemoryDisk>, boot: Boot, now_ms: u64) -> Started {
    let directory = Directory::with_files(disk.clone(), boot).unwrap();
    let mut recovery = directory.recover(now_ms, Fsync::Interval).unwrap();
    let stored = recovery.by_ref().map(Result::unwrap).collect();
    Started { stored, recovered: recovery.finish().unwrap() }
}

/// The journal as tools see it while no server has it open.
pub(crate) fn read_only(disk: &Arc<MemoryDisk>, boot: Boot) -> ReadOnlyDirectory {
    ReadOnlyDirectory::new(Directory::with_files(disk.clone(), boot).unwrap(), false)
}

/// A start in the same run of the machine.
pub(crate) fn start(disk: &Arc<MemoryDisk>) -> Started {
    start_in(disk, boot(1), NOW_MS)
}

pub(crate) fn append(log: &mut Log, now_ms: u64, data: &[&str]) -> Vec<EventId> {
    let events: Vec<Event> = data.iter().map(|data| event(data)).collect();
    let group: Vec<Entry<'_>> = events.iter().map(entry).collect();
    log.append(now_ms, &group).unwrap()
}

/// The name of a segment's file.
pub(crate) fn segment(number: u64) -> String {
    format!("{number:020}.journal")
}

/// A journal of one segment with one event a group, left without a word; and where each group begins.
pub(crate) fn written(fsync: Fsync, data: &[&str]) -> (Arc<MemoryDisk>, Vec<EventId>, Vec<usize>) {
    let disk = MemoryDisk::new();
    let mut log = start(&disk).log(config(fsync));
    log.probe(NOW_MS, 0).unwrap();
    let (mut ids, mut starts) = (Vec::new(), Vec::new());
    for data in data {
        starts.push(disk.bytes(&segment(1)).len());
        ids.extend(append(&mut log, NOW_MS + 10, &[data]));
    }
    (disk, ids, starts)
}
