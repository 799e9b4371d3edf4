//! Reads of the history. Publishers wait meanwhile, so each turn under the order lock reads only a few events.

use crate::{
    event::{event_id::EventId, gap::Gap, message::Message, name::Channel, pattern::Pattern, target::Target},
    history::read::{Batch, Page, Query, ReadLimit, Start},
    order::Order,
    queue::read_request::ReadRequest,
};

/// Events of a page that are read under one lock.
const PAGE_STEP: usize = 64;

impl<S> Order<S> {
    /// Answers the request of a slot that catches up, through its inbox.
    pub(crate) fn read(&self, request: ReadRequest) {
        let now_ms = self.unix_ms();
        let batch = self.lock().history.read(&request.query(), now_ms);
        self.inbox(request.shard).push_batch(request.slot, batch);
    }

    /// The kept events of `channel` from `start` on, at most `limit`.
    pub(crate) fn page(&self, channel: &Channel, start: &Start, limit: ReadLimit) -> Page {
        let targets = [Target::Channel(channel.clone())];
        let now_ms = self.unix_ms();
        let (beginning, upto) = {
            let mut locked = self.lock();
            (locked.history.beginning(start, &targets, &[], now_ms), locked.history.last())
        };
        let mut page = Page { messages: Vec::new(), gap: beginning.gap, next: beginning.cursor };
        let mut bytes_left = limit.bytes_max;
        while page.messages.len() < limit.messages_max {
            let messages_max = (limit.messages_max - page.messages.len()).min(PAGE_STEP);
            let limit = ReadLimit { messages_max, bytes_max: bytes_left };
            let query =
                Query { after: page.next, upto, targets: &targets, patterns: &[], limit, opened: upto, checked: 0 };
            let Batch { messages, next, hole, .. } = self.lock().history.read(&query, now_ms);
            let bytes = messages.iter().map(Message::bytes).sum();
            if bytes > bytes_left && !page.messages.is_empty() {
                break;
            }
            if let Some(hole) = hole.filter(|hole| hole.to > beginning.known) {
                let reason = page.gap.map_or(hole.reason, |gap| gap.reason);
                page.gap = Some(Gap { from: Some(beginning.cursor), to: Some(hole.to), missed: None, reason });
            }
            bytes_left = bytes_left.saturating_sub(bytes);
            page.messages.extend(messages);
            page.next = next;
            if next >= upto {
                break;
            }
        }
        page
    }

    /// Bytes of memory that the history takes.
    pub(crate) fn history_bytes(&self) -> usize {
        self.lock().history.bytes()
    }

    /// The newest id.
    pub(crate) fn last_id(&self) -> EventId {
        self.lock().history.last()
    }

    /// Whether the hub shares its journal with others.
    pub(crate) fn is_shared(&self) -> bool {
        self.lock().history.is_shared()
    }

    /// Whether a stream may have to begin after an event of a shared journal that has not been read here. That is so if no
    /// event of `targets`, or of a channel that matches a pattern, has the id.
    pub(crate) fn may_be_ahead(&self, start: &Start, targets: &[Target], patterns: &[Pattern]) -> bool {
        let Start::AfterOwn(own_ids) = start else { return false };
        let locked = self.lock();
        locked.history.is_shared() && !own_ids.is_empty() && !locked.history.knows(own_ids, targets, patterns)
    }
}
