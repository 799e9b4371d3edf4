//! [`MemoryDisk`]: a directory in memory. It can run out of room, fail any operation once or for good, and lose what was
//! not synced.

use std::{
    collections::BTreeMap,
    io, mem,
    sync::{Arc, Condvar, Mutex, MutexGuard},
};

use crate::files::{File, Files, Listed};

/// Operations that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Create,
    Rename,
    Remove,
    SyncNames,
    Write,
    SetLen,
    SyncData,
}

/// A file: what it holds, and how much of that a crash of the machine leaves.
#[derive(Debug, Default)]
struct Node {
    bytes: Vec<u8>,
    synced: usize,
}

type Names = BTreeMap<String, Arc<Mutex<Node>>>;

#[derive(Debug, Default)]
struct State {
    names: Names,
    synced_names: Names,
    /// Room for so many bytes more.
    room: Option<usize>,
    /// No write takes more at a time.
    write_max: Option<usize>,
    /// Attempts so far.
    writes: usize,
    /// By all of them, whatever is there of it.
    written_bytes: usize,
    /// Syncs of data wait.
    holds_syncs: bool,
    failing: Vec<Op>,
    /// After so many operations one fails;
    fail_after: Option<usize>,
    /// or all later ones do, because the process is gone.
    is_dying: bool,
    has_failed: bool,
}

#[derive(Debug, Default)]
pub(crate) struct MemoryDisk {
    state: Arc<Mutex<State>>,
    /// Syncs need not wait any more.
    released: Arc<Condvar>,
}

impl MemoryDisk {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn set_room(&self, bytes: Option<usize>) {
        self.state().room = bytes;
    }

    pub(crate) fn set_write_max(&self, bytes: usize) {
        self.state().write_max = Some(bytes);
    }

    pub(crate) fn writes(&self) -> usize {
        self.state().writes
    }

    /// Lets syncs of data wait, or go on.
    pub(crate) fn hold_syncs(&self, holds: bool) {
        self.state().holds_syncs = holds;
        self.released.notify_all();
    }

    /// Makes these operations fail from now on.
    pub(crate) fn fail(&self, ops: &[Op]) {
        self.state().failing = ops.to_vec();
    }

    /// Makes one operation fail after `count` others. If the process dies of it, all later ones fail too.
    pub(crate) fn fail_after(&self, count: usize, is_dying: bool) {
        let mut state = self.state();
        state.fail_after = Some(count);
        state.is_dying = is_dying;
    }

    /// Nothing fails any more. Whether an operation of [`MemoryDisk::fail_after`] had failed.
    pub(crate) fn heal(&self) -> bool {
        let mut state = self.state();
        state.failing.clear();
        state.room = None;
        state.fail_after = None;
        mem::take(&mut state.has_failed)
    }

    /// The machine stops: of what was not synced, `kept` of each file is there (from 0.0 to 1.0), and no name.
    pub(crate) fn crash(&self, kept: f64) {
        let mut state = self.state();
        state.names = state.synced_names.clone();
        for node in state.names.values() {
            let mut node = node.lock().unwrap();
            let synced = node.synced.min(node.bytes.len());
            let more = ((node.bytes.len() - synced) as f64 * kept) as usize;
            node.bytes.truncate(synced + more);
            node.synced = node.bytes.len();
        }
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.state().names.keys().cloned().collect()
    }

    /// Whether a crash would take nothing.
    pub(crate) fn is_synced(&self) -> bool {
        let is_synced = |node: &Arc<Mutex<Node>>| {
            let node = node.lock().unwrap();
            node.synced == node.bytes.len()
        };
        self.state().names.values().all(is_synced)
    }

    /// Of all files together.
    pub(crate) fn total_bytes(&self) -> usize {
        self.state().names.values().map(|node| node.lock().unwrap().bytes.len()).sum()
    }

    /// All that was ever written, also what is gone.
    pub(crate) fn written_bytes(&self) -> usize {
        self.state().written_bytes
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        self.state().names[name].lock().unwrap().bytes.clone()
    }

    pub(crate) fn put(&self, name: &str, bytes: Vec<u8>) {
        let synced = bytes.len();
        self.state().names.insert(name.to_owned(), Arc::new(Mutex::new(Node { bytes, synced })));
    }

    /// Removes a file as an operator would. A crash does not bring it back.
    pub(crate) fn take(&self, name: &str) -> Vec<u8> {
        let mut state = self.state();
        state.synced_names.remove(name);
        state.names.remove(name).unwrap().lock().unwrap().bytes.clone()
    }

    /// Flips one bit.
    pub(crate) fn flip(&self, name: &str, at: usize) {
        self.state().names[name].lock().unwrap().bytes[at] ^= 0x10;
    }

    pub(crate) fn cut(&self, name: &str, bytes: usize) {
        self.state().names[name].lock().unwrap().bytes.truncate(bytes);
    }

    /// Appends what is not synced.
    pub(crate) fn extend(&self, name: &str, bytes: &[u8]) {
        self.state().names[name].lock().unwrap().bytes.extend_from_slice(bytes);
    }

    /// The same files on another disk that does not fail. No file comes or goes meanwhile.
    pub(crate) fn copy(&self) -> Arc<Self> {
        let copy = Self::new();
        for (name, node) in &self.state().names {
            copy.put(name, node.lock().unwrap().bytes.clone());
        }
        let names = copy.state().names.clone();
        copy.state().synced_names = names;
        copy
    }
}

impl State {
    fn check(&mut self, op: Op) -> io::Result<()> {
        match &mut self.fail_after {
            Some(0) => {
                if !self.is_dying {
                    self.fail_after = None;
                }
                self.has_failed = true;
                return Err(io::Error::other("injected"));
            }
            Some(left) => *left -= 1,
            None => {}
        }
        if self.failing.contains(&op) { Err(io::Error::other("injected")) } else { Ok(()) }
    }

    /// A file is gone, and there is more room.
    fn free(&mut self, node: Option<Arc<Mutex<Node>>>) {
        let bytes = node.map_or(0, |node| node.lock().unwrap().bytes.len());
        self.room = self.room.map(|room| room + bytes);
    }

    fn node(&self, name: &str) -> io::Result<Arc<Mutex<Node>>> {
        self.names.get(name).cloned().ok_or(io::ErrorKind::NotFound.into())
    }
}

impl Files for MemoryDisk {
    fn list(&self) -> io::Result<Vec<Listed>> {
        let bytes = |node: &Arc<Mutex<Node>>| node.lock().unwrap().bytes.len() as u64;
        let listed = |(name, node): (&String, _)| Listed { name: name.clone(), bytes: bytes(node) };
        Ok(self.state().names.iter().map(listed).collect())
    }

    fn read(&self, name: &str, bytes_max: u64) -> io::Result<Vec<u8>> {
        let mut bytes = self.state().node(name)?.lock().unwrap().bytes.clone();
        bytes.truncate(usize::try_from(bytes_max).unwrap_or(usize::MAX));
        Ok(bytes)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.check(Op::SyncData)?;
        let node = state.node(name)?;
        let mut node = node.lock().unwrap();
        node.synced = node.bytes.len();
        Ok(())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let mut state = self.state();
        state.check(Op::Create)?;
        let node = Arc::<Mutex<Node>>::default();
        let replaced = state.names.insert(name.to_owned(), Arc::clone(&node));
        state.free(replaced);
        Ok(Arc::new(MemoryFile { state: Arc::clone(&self.state), released: Arc::clone(&self.released), node }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.check(Op::Rename)?;
        let node = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        let replaced = state.names.insert(to.to_owned(), node);
        state.free(replaced);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.check(Op::Remove)?;
        let removed = state.names.remove(name);
        let is_there = removed.is_some();
        state.free(removed);
        if is_there { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut state = self.state();
        state.check(Op::SyncNames)?;
        state.synced_names = state.names.clone();
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryFile {
    state: Arc<Mutex<State>>,
    released: Arc<Condvar>,
    node: Arc<Mutex<Node>>,
}

impl File for MemoryFile {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state.lock().unwrap();
        state.writes += 1;
        state.check(Op::Write)?;
        let taken = bytes.len().min(state.write_max.unwrap_or(usize::MAX)).min(state.room.unwrap_or(usize::MAX));
        if taken == 0 && state.room == Some(0) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.room = state.room.map(|room| room - taken);
        state.written_bytes += taken;
        self.node.lock().unwrap().bytes.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.check(Op::SetLen)?;
        let mut node = self.node.lock().unwrap();
        let bytes = usize::try_from(bytes).unwrap();
        state.room = state.room.map(|room| room + node.bytes.len().saturating_sub(bytes));
        node.bytes.resize(bytes, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        drop(self.released.wait_while(self.state.lock().unwrap(), |state| state.holds_syncs).unwrap());
        self.state.lock().unwrap().check(Op::SyncData)?;
        let mut node = self.node.lock().unwrap();
        node.synced = node.bytes.len();
        Ok(())
    }
}
