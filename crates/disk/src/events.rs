//! [`Events`]: the kept events of a journal, for a dump.

use std::{collections::HashMap, io, vec};

use fanfare_core::{Channel, Event, EventId, Target};

use crate::{read_only::ReadOnlyDirectory, record::Stored, walk::Walk};

/// Events in the order of their ids, with one segment in memory at a time. Unreadable parts are passed over;
/// [`ReadOnlyDirectory::check`] reports them. An error ends the iteration.
///
/// What was purged is left out, and the purges too. The segments are read once more for that.
#[derive(Debug)]
pub struct Events<'a> {
    directory: &'a ReadOnlyDirectory,
    walk: Walk<'a>,
    after: EventId,
    stored: vec::IntoIter<Stored>,
    /// The newest purge of each channel. None until the first event is asked for.
    purges: Option<HashMap<Channel, EventId>>,
    is_over: bool,
}

impl ReadOnlyDirectory {
    /// The kept events above `after`.
    ///
    /// [`ReadOnlyDirectory`] has an example.
    pub fn events(&self, after: EventId) -> Events<'_> {
        let stored = Vec::new().into_iter();
        Events { directory: self, walk: self.walk(), after, stored, purges: None, is_over: false }
    }

    /// The newest purge of each channel.
    fn purges(&self) -> io::Result<HashMap<Channel, EventId>> {
        let (mut walk, mut purges) = (self.walk(), HashMap::new());
        while let Some(contents) = walk.next_segment()? {
            for Stored { id, event, .. } in contents.stored {
                if let Some(channel) = event.as_ref().and_then(Event::purges) {
                    purges.insert(channel.clone(), id);
                }
            }
        }
        Ok(purges)
    }
}

impl Events<'_> {
    fn find(&mut self) -> io::Result<Option<(EventId, Event)>> {
        let purges = match &mut self.purges {
            Some(purges) => purges,
            none => none.insert(self.directory.purges()?),
        };
        loop {
            let found = self.stored.by_ref().filter(|stored| stored.id > self.after).find_map(|stored| {
                let event = stored.event.filter(|event| event.purges().is_none())?;
                let is_left = |target: &Target| match target {
                    Target::Channel(channel) => purges.get(channel).is_none_or(|upto| stored.id > *upto),
                    Target::All | Target::Client(_) => true,
                };
                Some((stored.id, event.only_for(is_left)?))
            });
            if found.is_some() {
                return Ok(found);
            }
            match self.walk.next_segment()? {
                Some(contents) => self.stored = contents.stored.into_iter(),
                None => return Ok(None),
            }
        }
    }
}

impl Iterator for Events<'_> {
    type Item = io::Result<(EventId, Event)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let found = self.find().transpose();
        self.is_over = !matches!(found, Some(Ok(_)));
        found
    }
}
