//! [`Carriers`]: the HTTP/2 connections of one thread's streams, so many streams on each.
//!
//! A connection that has room is in `roomy` once, one that is full is not.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};

use tokio::sync::OnceCell;

use crate::link::http2::Http2;

/// Streams that share connections: of one group, to one node.
type Sharing = (usize, u32);

/// The HTTP/2 connections of one thread's streams.
#[derive(Debug)]
pub(crate) struct Carriers {
    streams_each: usize,
    roomy: RefCell<HashMap<Sharing, Vec<Weak<Carrier>>>>,
}

#[derive(Debug)]
struct Carrier {
    sharing: Sharing,
    /// Made by the first stream. The others wait for it.
    connection: OnceCell<Http2>,
    /// It takes no new streams.
    is_over: Cell<bool>,
}

/// The place of one stream on a connection. The connection is closed with the last one.
#[derive(Debug)]
pub(crate) struct Place {
    carrier: Rc<Carrier>,
    carriers: Rc<Carriers>,
}

impl Carriers {
    pub(crate) fn new(streams_each: u32) -> Rc<Self> {
        Rc::new(Self { streams_each: streams_each as usize, roomy: RefCell::default() })
    }

    /// A place on a connection with room, or on a new one.
    pub(crate) fn place(self: &Rc<Self>, sharing: Sharing) -> Place {
        let mut roomy = self.roomy.borrow_mut();
        let roomy = roomy.entry(sharing).or_default();
        let mut found = None;
        while let Some(last) = roomy.pop() {
            found = last.upgrade().filter(|carrier| !carrier.is_over.get());
            if found.is_some() {
                break;
            }
        }
        let carrier = found
            .unwrap_or_else(|| Rc::new(Carrier { sharing, connection: OnceCell::new(), is_over: Cell::new(false) }));
        if Rc::strong_count(&carrier) < self.streams_each {
            roomy.push(Rc::downgrade(&carrier));
        }
        Place { carrier, carriers: Rc::clone(self) }
    }
}

impl Place {
    pub(crate) fn connection(&self) -> &OnceCell<Http2> {
        &self.carrier.connection
    }

    /// No stream gets a place on this connection any more.
    pub(crate) fn close(&self) {
        self.carrier.is_over.set(true);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let streams = Rc::strong_count(&self.carrier);
        if streams == self.carriers.streams_each && streams > 1 {
            let mut roomy = self.carriers.roomy.borrow_mut();
            roomy.entry(self.carrier.sharing).or_default().push(Rc::downgrade(&self.carrier));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(one: &Place, other: &Place) -> bool {
        Rc::ptr_eq(&one.carrier, &other.carrier)
    }

    #[test]
    fn so_many_streams_share_a_connection_and_a_place_that_was_left_is_taken_again() {
        let carriers = Carriers::new(2);
        let [a, b, c, other] = [0, 0, 0, 1].map(|group| carriers.place((group, 0)));
        assert!(share(&a, &b) && !share(&b, &c) && !share(&c, &other));
        let d = carriers.place((0, 0));
        assert!(share(&c, &d));
        drop(a);
        let e = carriers.place((0, 0));
        assert!(share(&b, &e));
        e.close();
        drop(e);
        assert!(!share(&b, &carriers.place((0, 0))));
    }

    #[test]
    fn a_connection_for_each_stream_is_never_shared() {
        let carriers = Carriers::new(1);
        let [a, b] = [(); 2].map(|()| carriers.place((0, 0)));
        assert!(!share(&a, &b));
        drop(a);
        assert!(!share(&b, &carriers.place((0, 0))));
        assert!(carriers.roomy.borrow()[&(0, 0)].is_empty());
    }
}
