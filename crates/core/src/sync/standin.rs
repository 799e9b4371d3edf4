//! The stand-ins for [`super`] under loom. A stand-in does only what the real thing promises, even where that does more. So
//! loom finds code that relies on more.

use std::{collections::VecDeque, task::Waker};

pub(crate) use loom::{
    hint::spin_loop,
    sync::MutexGuard,
    sync::atomic::{AtomicU32, AtomicU64, Ordering, fence},
};

/// An atomic whose store is a swap that acquires nothing, because loom lets a swap read a value that a later store has
/// replaced.
///
/// A `SeqCst` store stays a store, because as a swap it would acquire by the fence behind it. For that case `now` has the value
/// that a swap must read.
#[derive(Debug, Default)]
pub(crate) struct AtomicBool {
    modelled: loom::sync::atomic::AtomicBool,
    now: std::sync::atomic::AtomicBool,
}

impl AtomicBool {
    pub(crate) fn new(value: bool) -> Self {
        Self { modelled: loom::sync::atomic::AtomicBool::new(value), now: value.into() }
    }

    pub(crate) fn load(&self, order: Ordering) -> bool {
        self.modelled.load(order)
    }

    pub(crate) fn store(&self, value: bool, order: Ordering) {
        if order == Ordering::SeqCst {
            self.modelled.store(value, order);
        } else {
            self.modelled.swap(value, order);
        }
        self.now.store(value, Ordering::Relaxed);
    }

    pub(crate) fn swap(&self, value: bool, order: Ordering) -> bool {
        self.modelled.swap(value, order);
        self.now.swap(value, Ordering::Relaxed)
    }
}

/// An atomic with a fence before each `SeqCst` operation. To loom, a `SeqCst` load or store is only an acquire or a release,
/// but it knows fences.
///
/// Code that relies on the one order of all `SeqCst` operations does so only with this type. The other types have no fences of
/// their own, so that the fences in the code are tried.
#[derive(Debug, Default)]
pub(crate) struct AtomicUsize(loom::sync::atomic::AtomicUsize);

impl AtomicUsize {
    pub(crate) fn new(value: usize) -> Self {
        Self(loom::sync::atomic::AtomicUsize::new(value))
    }

    pub(crate) fn load(&self, order: Ordering) -> usize {
        ordered(order);
        self.0.load(order)
    }

    pub(crate) fn store(&self, value: usize, order: Ordering) {
        ordered(order);
        self.0.store(value, order);
    }

    pub(crate) fn fetch_add(&self, value: usize, order: Ordering) -> usize {
        ordered(order);
        self.0.fetch_add(value, order)
    }

    pub(crate) fn fetch_sub(&self, value: usize, order: Ordering) -> usize {
        ordered(order);
        self.0.fetch_sub(value, order)
    }

    pub(crate) fn fetch_update(
        &self,
        set: Ordering,
        fetch: Ordering,
        change: impl FnMut(usize) -> Option<usize>,
    ) -> Result<usize, usize> {
        ordered(set);
        self.0.fetch_update(set, fetch, change)
    }
}

fn ordered(order: Ordering) {
    if order == Ordering::SeqCst {
        fence(Ordering::SeqCst);
    }
}

/// A lock without poison, like that of parking_lot.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect("loom poisons no lock")
    }

    /// Waits for the lock: whether it was taken only makes a figure.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        Some(self.lock())
    }
}

#[derive(Debug, Default)]
pub(crate) struct AtomicWaker(Mutex<Option<Waker>>);

impl AtomicWaker {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn register(&self, waker: &Waker) {
        *self.0.lock() = Some(waker.clone());
    }

    pub(crate) fn wake(&self) {
        let waker = self.0.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A queue in which a pop sees everything before the push of its item. Nothing else is ordered, and a look at the length may
/// see an old one.
///
/// Loom switches threads before an operation of its own and never after. So each change of `len` is one step with the change of
/// `items` behind it.
#[derive(Debug)]
struct Queue<T> {
    items: std::sync::Mutex<VecDeque<T>>,
    len: loom::sync::atomic::AtomicUsize,
    met: loom::sync::atomic::AtomicBool,
    len_max: usize,
}

impl<T> Queue<T> {
    fn new(len_max: usize) -> Self {
        Self { items: std::sync::Mutex::default(), len: Default::default(), met: Default::default(), len_max }
    }

    fn push(&self, item: T) -> Result<(), T> {
        self.meet();
        let mut len = self.items().len().min(self.len_max - 1);
        while let Err(other) = self.len.compare_exchange(len, len + 1, Ordering::Release, Ordering::Relaxed) {
            if other == self.len_max {
                return Err(item);
            }
            len = other;
        }
        self.items().push_back(item);
        Ok(())
    }

    fn pop(&self) -> Option<T> {
        let mut len = self.len();
        while len > 0 {
            match self.len.compare_exchange(len, len - 1, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return self.items().pop_front(),
                Err(other) => len = other,
            }
        }
        None
    }

    fn len(&self) -> usize {
        self.meet();
        self.len.load(Ordering::Relaxed)
    }

    /// Touches an atomic without changing or ordering anything. Loom tries another order of two threads only for the last
    /// operation of each on one atomic. A later look of a thread would hide its earlier one from a push of the other thread.
    fn meet(&self) {
        let never = self.met.compare_exchange(true, true, Ordering::Relaxed, Ordering::Relaxed);
        debug_assert!(never.is_err(), "it stays false");
    }

    fn items(&self) -> std::sync::MutexGuard<'_, VecDeque<T>> {
        self.items.lock().expect("nothing panics while it is held")
    }
}

#[derive(Debug)]
pub(crate) struct ArrayQueue<T>(Queue<T>);

impl<T> ArrayQueue<T> {
    pub(crate) fn new(len_max: usize) -> Self {
        Self(Queue::new(len_max))
    }

    pub(crate) fn push(&self, item: T) -> Result<(), T> {
        self.0.push(item)
    }

    pub(crate) fn pop(&self) -> Option<T> {
        self.0.pop()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.len() == self.0.len_max
    }
}

#[derive(Debug)]
pub(crate) struct SegQueue<T>(Queue<T>);

impl<T> SegQueue<T> {
    pub(crate) fn new() -> Self {
        Self(Queue::new(usize::MAX))
    }

    pub(crate) fn push(&self, item: T) {
        assert!(self.0.push(item).is_ok(), "it has no limit");
    }

    pub(crate) fn pop(&self) -> Option<T> {
        self.0.pop()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }
}
