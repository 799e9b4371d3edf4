//! [`Trace`]: the trace of one request. [`Span`]: one publish of it, on its way from the request to the answer.

use std::sync::Arc;

use fanfare_core::{PublishError, Receipt, Target};

use super::{
    context::{TraceContext, TraceId},
    kept::Traces,
    under_way::{Answered, Facts, stamp},
};

/// The trace of a request, and the time at which the request began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trace {
    pub(crate) context: TraceContext,
    pub(crate) began_us: u64,
}

/// One publish of a trace. If it is dropped without an answer, nobody waits for one any more.
#[derive(Debug)]
pub(crate) struct Span {
    traces: Arc<Traces>,
    context: TraceContext,
    /// None if nobody is told of it.
    place: Option<usize>,
    /// The last time that was told, for an end without an answer.
    now_us: u64,
}

impl Span {
    /// A publish of this trace begins, at the beginning of its request.
    pub(crate) fn begin(traces: &Arc<Traces>, trace: Trace) -> Self {
        let Trace { context, began_us } = trace;
        let place = traces.enter(context, || Facts::new(context, began_us));
        Self { traces: Arc::clone(traces), context, place, now_us: began_us }
    }

    pub(crate) fn trace_id(&self) -> TraceId {
        self.context.trace_id()
    }

    /// The event is whole, and goes to the order. Returns the stamp that goes with it.
    pub(crate) fn offer(&mut self, target: Option<&Target>, now_us: u64) -> u64 {
        self.now_us = now_us;
        self.change(|facts| {
            facts.target = target.cloned();
            facts.offered_us = Some(now_us);
        });
        stamp(self.place, now_us)
    }

    /// The order, or the journal, has the event.
    pub(crate) fn order(&mut self, now_us: u64) {
        self.now_us = now_us;
        self.change(|facts| {
            facts.ordered_us.get_or_insert(now_us);
        });
    }

    /// The publish has its answer, which has the name `outcome`.
    pub(crate) fn answer(mut self, result: &Result<Receipt, PublishError>, outcome: &'static str, now_us: u64) {
        let event = result.as_ref().ok().map(|receipt| (receipt.id, receipt.matched));
        let is_fanned_out = result.as_ref().is_ok_and(|receipt| !receipt.is_repeat);
        if let Ok(receipt) = result
            && !receipt.is_repeat
        {
            self.traces.remember(receipt.id, &self.context);
        }
        self.finish(Answered { at_us: now_us, event, outcome, is_fanned_out });
    }

    /// The request was refused before there was an event.
    pub(crate) fn refuse(mut self, now_us: u64) {
        self.finish(Answered { at_us: now_us, event: None, outcome: "refused", is_fanned_out: false });
    }

    fn change(&self, change: impl FnOnce(&mut Facts)) {
        if let Some(place) = self.place {
            self.traces.change(place, change);
        }
    }

    fn finish(&mut self, answer: Answered) {
        let now_us = answer.at_us;
        self.change(|facts| facts.answer = Some(answer));
        if let Some(place) = self.place.take() {
            self.traces.finish_at(place, now_us);
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if self.place.is_some() {
            let answer = Answered { at_us: self.now_us, event: None, outcome: "abandoned", is_fanned_out: false };
            self.finish(answer);
        }
    }
}
