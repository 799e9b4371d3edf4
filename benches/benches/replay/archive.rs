//! [`Archive`]: a stage whose journal keeps a number of events that nobody has had, and those who come for them.

use fanfare_benches::{Link, Stage, client, event, follow};
use fanfare_core::{
    Channel, EventId, Form, Policy, Start, Target,
    engine::{SlotRef, Subscribe},
};

/// A stage, and where its history begins.
pub(crate) struct Archive {
    pub(crate) stage: Stage,
    /// The link of the connections that come.
    pub(crate) link: Link,
    events: usize,
    begin: EventId,
}

impl Archive {
    /// Keeps `events` events. They go to `targets` in turn.
    pub(crate) fn of(events: usize, targets: &[Target]) -> Self {
        let mut stage = Stage::new(Policy::default());
        let begin = stage.hub().last_id();
        for target in targets.iter().cycle().take(events) {
            stage.fan_out(event(target));
        }
        Self { stage, link: Link::open(), events, begin }
    }

    /// Lets `slots` connections of one client come that follow `channels` and have had nothing of the history. The
    /// shard has not taken them yet.
    pub(crate) fn come(&self, slots: usize, channels: &[Channel]) -> Vec<SlotRef> {
        self.come_for(slots, channels, Form::Plain)
    }

    /// The same, and they get the events in this form.
    pub(crate) fn come_for(&self, slots: usize, channels: &[Channel], form: Form) -> Vec<SlotRef> {
        let (start, channels) = (Start::After(self.begin), channels.to_vec());
        let wishes = Subscribe { start, channels, form, ..follow(client(0), Policy::default()) };
        (0..slots).map(|_| self.stage.connect_for(wishes.clone(), &self.link)).collect()
    }

    /// How many events `slots` connections are due.
    pub(crate) fn due(&self, slots: usize) -> usize {
        self.events * slots
    }

    /// Lets the shard give the connections the rest. `before`: the messages that the link had taken before they came.
    pub(crate) fn finish(&mut self, slots: usize, before: usize) {
        self.stage.settle();
        assert_eq!(self.link.taken() - before, self.due(slots), "every event once, and no gap");
        assert_eq!(self.stage.hub().ring_bytes(), 0, "nothing is left in a ring");
    }

    /// Ends the connections of `slots`.
    pub(crate) fn part(&mut self, slots: &[SlotRef]) {
        self.stage.part(&self.link, slots);
        assert!(self.stage.hub().registry().connections_of(&client(0)).is_empty(), "nobody stays");
    }
}
