//! The tools of synchronisation: atomics, a lock, a waker and two queues. Every file that shares something between threads
//! takes them from here.
//!
//! With `--cfg loom`, stand-ins have these names, so that `crate::models` can try every interleaving of the real code.

#[cfg(not(loom))]
pub(crate) use {
    atomic_waker::AtomicWaker,
    crossbeam_queue::{ArrayQueue, SegQueue},
    parking_lot::{Mutex, MutexGuard},
    std::hint::spin_loop,
    std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence},
};

#[cfg(loom)]
mod standin;
#[cfg(loom)]
pub(crate) use standin::*;
