//! What core synchronises with: atomics, a lock, a waker and two queues. Every file that shares something between
//! threads takes them from here, so that `--cfg loom` can put stand-ins in their place and [`crate::models`] can try
//! every interleaving of the real code. Without it, this is the real thing under the same names.

#[cfg(not(loom))]
pub(crate) use {
    atomic_waker::AtomicWaker,
    crossbeam_queue::{ArrayQueue, SegQueue},
    parking_lot::{Mutex, MutexGuard},
    std::hint::spin_loop,
    std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence},
};

#[cfg(loom)]
mod standin;
#[cfg(loom)]
pub(crate) use standin::*;
