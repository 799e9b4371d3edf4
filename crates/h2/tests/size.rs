//! What a connection takes: many of them are idle, with one event stream each. What is on the heap is in the unit tests.

use fanfare_h2::Connection;

#[test]
fn a_connection_is_small() {
    assert!(size_of::<Connection>() <= 256, "{}", size_of::<Connection>());
}
