//! Looks at the order, for operators: its figures, and single events.

use crate::{
    event::{event_id::EventId, name::Channel, target::Target},
    history::{recent::Remembered, retention::Retentions},
    order::Order,
    queue::figures::Figures,
    sync::Ordering,
};

impl<S> Order<S> {
    /// The figures of the order.
    pub(crate) fn figures(&self) -> Figures {
        let waiting_publishers = self.gate.len();
        let locked = self.lock();
        let (history_events, history_targets) = locked.history.counts();
        let retentions = locked.history.retentions();
        Figures {
            events: locked.events,
            event_bytes: locked.event_bytes,
            history_events,
            history_targets,
            history_targets_max: retentions.targets_max,
            history_bytes: locked.history.bytes(),
            history_bytes_max: retentions.bytes_max,
            waiting_publishers,
            lock_contentions: self.contentions.load(Ordering::Relaxed),
            unanswered: locked.submissions.promised().messages,
            unanswered_since_ms: locked.submissions.oldest_ms(),
            ..Figures::default()
        }
    }

    /// The newest id, the event with this id, and the targets for which the history has it. `Err` if the event may have been forgotten, or is from
    /// before the start.
    pub(crate) fn find(&self, id: EventId) -> (EventId, Result<Option<Remembered>, ()>, Vec<Target>) {
        let locked = self.lock();
        let event = match locked.history.find(id) {
            Ok(None) if id.ms() < self.began_ms => Err(()),
            event => event,
        };
        let targets = event.as_ref().ok().and_then(Option::as_ref).map(|event| &*event.targets);
        let is_kept = |target: &&Target| locked.history.holds(id, std::slice::from_ref(*target));
        let kept_for = targets.unwrap_or_default().iter().filter(is_kept).cloned().collect();
        (locked.history.last(), event, kept_for)
    }

    /// The number of kept events of `channel`, and their bytes.
    pub(crate) fn kept_of(&self, channel: &Channel) -> (usize, usize) {
        self.lock().history.kept_of(channel)
    }

    /// The limits of the history.
    pub(crate) fn retentions(&self) -> Retentions {
        self.lock().history.retentions().clone()
    }

    /// Sets other limits of the history.
    pub(crate) fn set_retentions(&self, retentions: Retentions) {
        self.lock().history.set_retentions(retentions);
    }
}
