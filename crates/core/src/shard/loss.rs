//! The steps in which a shard tells every stream that the journal has lost events.

use crate::{
    event::gap::Gap,
    queue::{inbox::SlotRef, outlet::Socket},
    shard::{Shard, index::slot_index},
};

impl<S: Socket> Shard<S> {
    /// Tells a few more streams; true while some are left.
    pub(super) fn go_on_telling(&mut self, now_ms: u64) -> bool {
        let Some((gap, from)) = self.telling else { return false };
        let to = (from + self.config.turn_slots_max).min(self.slots.len());
        for at in from..to {
            // A client that another node has told of later events has missed nothing up to there.
            let Some(slot) = &mut self.slots[at] else { continue };
            if gap.to.is_some_and(|to| slot.seen() >= to) {
                continue;
            }
            slot.tell(Gap { from: gap.from.max(Some(slot.seen())), ..gap }, now_ms);
            let slot = SlotRef { index: slot_index(at), connection: slot.connection() };
            self.flush(slot, now_ms);
        }
        self.telling = (to < self.slots.len()).then_some((gap, to));
        self.telling.is_some()
    }
}
