//! The steps in which a shard tells every stream that the journal has lost events.

use crate::{
    event::gap::Gap,
    queue::outlet::Socket,
    shard::{Shard, walk::Walk},
};

impl<S: Socket> Shard<S> {
    /// Begins to tell every stream.
    pub(super) fn begin_telling(&mut self, gap: Gap) {
        self.telling = Some((gap, Walk::default()));
    }

    /// Tells a few more streams; true while some are left.
    pub(super) fn go_on_telling(&mut self, now_ms: u64) -> bool {
        let slots = self.slots.len();
        let Some((gap, mut walk)) = self.telling.take() else { return false };
        for at in walk.step(self.config.turn_slots_max, slots) {
            let Some(at) = self.slots.name(at) else { continue };
            let Some(slot) = self.slots.get_mut(at) else { continue };
            // A client that another node has told of later events has missed nothing up to there.
            if gap.to.is_some_and(|to| slot.seen() >= to) {
                continue;
            }
            slot.tell(Gap { from: gap.from.max(Some(slot.seen())), ..gap }, &mut self.ledger, now_ms);
            self.flush(at, now_ms);
        }
        self.telling = (!walk.is_over(slots)).then_some((gap, walk));
        self.telling.is_some()
    }
}
