//! Ports that nobody listens on. A server keeps its port while it is down, so a port must not be one that the system
//! gives to an outgoing connection in the meantime: these lie below the range it takes those from.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher as _, Hasher as _},
    net::TcpListener,
    ops::Range,
};

/// Linux gives 32768 and up to outgoing connections.
const RANGE: Range<u16> = 10_240..32_768;

/// A port of 127.0.0.1 that was free a moment ago. Whoever binds it must be ready to be too late.
pub(crate) fn free_port() -> u16 {
    for _ in 0..1000 {
        let random = RandomState::new().build_hasher().finish();
        let port = RANGE.start + u16::try_from(random % u64::from(RANGE.end - RANGE.start)).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port of {RANGE:?} is free");
}
