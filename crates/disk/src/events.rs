//! [`Events`]: the kept events of a journal, for a dump.

use std::{io, vec};

use fanfare_core::{Event, EventId};

use crate::{read_only::ReadOnlyDirectory, record::Stored, walk::Walk};

/// Events in the order of their ids, with one segment in memory at a time. Unreadable parts are passed over;
/// [`ReadOnlyDirectory::check`] reports them. An error ends the iteration.
#[derive(Debug)]
pub struct Events<'a> {
    walk: Walk<'a>,
    after: EventId,
    stored: vec::IntoIter<Stored>,
    is_over: bool,
}

impl ReadOnlyDirectory {
    /// The kept events above `after`.
    ///
    /// [`ReadOnlyDirectory`] has an example.
    pub fn events(&self, after: EventId) -> Events<'_> {
        Events { walk: self.walk(), after, stored: Vec::new().into_iter(), is_over: false }
    }
}

impl Iterator for Events<'_> {
    type Item = io::Result<(EventId, Event)>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            let after = self.after;
            let event = |stored: Stored| stored.event.map(|event| (stored.id, event));
            if let Some(found) = self.stored.by_ref().filter_map(event).find(|(id, _)| *id > after) {
                return Some(Ok(found));
            }
            match self.walk.next_segment() {
                Ok(Some(contents)) => self.stored = contents.stored.into_iter(),
                Ok(None) => self.is_over = true,
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}
