//! A publisher: events leave when they are due, even if the last one has no answer, or as fast as they are answered.
//!
//! Open loop: an event carries the time it was due, so a slow answer shows as lateness of the next events and hides
//! nothing. It blocks its own thread, for exact sleeps, and never beyond the deadline.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::crowd::plan::{Plan, names};
use crate::link::tls::Tls;
use crate::measure::latency::Latency;
use crate::measure::stamp::Stamp;
use crate::publish::batch;
use crate::publish::counter::{Counter, Until};
use crate::publish::error::PublishError;
use crate::publish::exchange::Exchange;
use crate::wire::dialect::Form;

/// The longest sleep before it is looked whether the run has been given up.
const SLEEP_MAX: Duration = Duration::from_millis(100);

/// The time between two tries of the same publish.
const REPEAT_EVERY: Duration = Duration::from_millis(100);

/// One of the publishers of a run.
#[derive(Debug)]
pub(crate) struct Publisher {
    pub(crate) number: u32,
    pub(crate) plan: Plan,
    pub(crate) until: Until,
    pub(crate) counter: Arc<Counter>,
}

/// The outcome of the publishing.
#[derive(Debug, Default)]
pub(crate) struct Published {
    pub(crate) events: u32,
    /// The number of events in each series.
    pub(crate) series: Vec<u32>,
    pub(crate) first_due_ns: u64,
    pub(crate) ended_ns: u64,
    /// Time from the due time to the end of the answer. A batch counts once.
    pub(crate) answer: Latency,
    /// Time from the due time to the write.
    pub(crate) lateness: Latency,
    /// The lateness of each event by itself, in a run with phases: (due, lateness), in nanoseconds.
    pub(crate) late: Vec<(u64, u64)>,
    /// Connections opened after the first: the target closed one after an answer.
    pub(crate) reconnects: u32,
    /// Requests that had to be sent again, and the reason of the first.
    pub(crate) repeated: u32,
    pub(crate) repeated_first: Option<String>,
}

/// The means of a publisher, and its published events.
#[derive(Debug)]
pub(crate) struct Sender<'a> {
    plan: &'a Plan,
    /// The number of the publisher.
    number: u32,
    /// A connection to each of its nodes.
    exchanges: Vec<Exchange>,
    data: Vec<u8>,
    body: Vec<u8>,
    request: Vec<u8>,
    published: Published,
}

impl<'a> Sender<'a> {
    pub(crate) fn open(plan: &'a Plan, number: u32) -> Result<Self, PublishError> {
        sharpen_sleep();
        let nodes = plan.terms.nodes_of_publisher(number);
        let tls = Tls::new(&plan.transport)?;
        let open = |node| Exchange::open(plan.target(node).clone(), &plan.transport, tls.as_ref(), plan.deadline);
        let exchanges = nodes.map(open).collect::<Result<_, _>>()?;
        let series = vec![0; plan.terms.series_count()];
        let published = Published { series, first_due_ns: u64::MAX, ..Published::default() };
        Ok(Self { plan, number, exchanges, data: Vec::new(), body: Vec::new(), request: Vec::new(), published })
    }

    /// Before an event to this addressee is due.
    pub(crate) fn ready(&mut self, addressee: u32) -> Result<(), PublishError> {
        let terms = self.plan.terms;
        let series = terms.series(addressee, self.number);
        self.exchanges[terms.turn(series, self.published.series[series as usize])].ready()
    }

    /// Publishes these events, counted from 0, in one request, and waits for the answer.
    pub(crate) fn publish(&mut self, events: Range<u32>, addressee: u32, due_ns: u64) -> Result<(), PublishError> {
        let Self { plan, number, exchanges, data, body, request, published } = self;
        let (terms, clock) = (plan.terms, plan.clock);
        let series = terms.series(addressee, *number);
        let in_series = published.series[series as usize];
        let (names, count) = (names(plan.address, addressee, 0), events.len() as u32);
        body.clear();
        for number in in_series..in_series + count {
            Stamp { run: terms.run, series, number, due_ns }.write(terms.size_bytes as usize, data);
            plan.dialect.write_event(names, data, body);
        }
        let exchange = &mut exchanges[terms.turn(series, in_series)];
        let key = plan.repeats.then(|| format!("{}-{series}-{in_series}", terms.run));
        plan.dialect.publish_request(&exchange.target.authority, names, key.as_deref(), body, request);

        let late_ns = clock.now_ns().saturating_sub(due_ns);
        published.lateness.record_ns(late_ns);
        if plan.has_phases {
            published.late.push((due_ns, late_ns));
        }
        let answer = match exchange.send(events.start + 1, request) {
            Err(cause) if plan.repeats => repeat(plan, exchange, events.start + 1, request, cause, published)?,
            answer => answer?,
        };
        if plan.dialect.form == Form::Batch {
            batch::check(events.start + 1, count, &answer)?;
        }
        published.ended_ns = clock.now_ns();
        published.answer.record_ns(published.ended_ns.saturating_sub(due_ns));
        published.first_due_ns = published.first_due_ns.min(due_ns);
        published.events += count;
        published.series[series as usize] += count;
        Ok(())
    }

    pub(crate) fn close(mut self) -> Published {
        self.published.reconnects = self.exchanges.iter().map(|exchange| exchange.reconnects).sum();
        self.published
    }
}

impl Publisher {
    /// Publishes its share of everything, or as much as is due before the end.
    pub(crate) fn run(self) -> Result<Published, PublishError> {
        let Self { number, plan, until, counter } = &self;
        let mut sender = Sender::open(plan, *number)?;
        while let Some(events) = counter.take(until.events, plan.terms.batch) {
            let scheduled_ns = until.pace.map(|rate| until.start_ns + rate.due_ns(events.start));
            if !self.sleep_until(scheduled_ns.unwrap_or(0)) {
                break;
            }
            let (addressee, count) = (events.start % until.addressees, events.len() as u32);
            sender.ready(addressee)?;
            let due_ns = scheduled_ns.unwrap_or_else(|| plan.clock.now_ns());
            sender.publish(events, addressee, due_ns)?;
            counter.answered.fetch_add(count, Relaxed);
        }
        Ok(sender.close())
    }

    /// False: the run was over before.
    fn sleep_until(&self, due_ns: u64) -> bool {
        loop {
            let now_ns = self.plan.clock.now_ns();
            let is_over = self.plan.deadline.has_passed() || now_ns >= self.until.end_ns;
            if is_over || self.counter.is_over.load(Relaxed) {
                return false;
            }
            match due_ns.saturating_sub(now_ns) {
                0 => return true,
                left_ns => std::thread::sleep(Duration::from_nanos(left_ns).min(SLEEP_MAX)),
            }
        }
    }
}

impl Published {
    pub(crate) fn merge(&mut self, other: Self) {
        self.events += other.events;
        self.series.iter_mut().zip(other.series).for_each(|(mine, its)| *mine += its);
        self.first_due_ns = self.first_due_ns.min(other.first_due_ns);
        self.ended_ns = self.ended_ns.max(other.ended_ns);
        self.answer.add(&other.answer);
        self.lateness.add(&other.lateness);
        self.late.extend(other.late);
        self.reconnects += other.reconnects;
        self.repeated += other.repeated;
        self.repeated_first = self.repeated_first.take().or(other.repeated_first);
    }
}

/// Sends a request again that has failed, until it is answered or the run is over.
fn repeat(
    plan: &Plan,
    exchange: &mut Exchange,
    event: u32,
    request: &[u8],
    mut cause: PublishError,
    published: &mut Published,
) -> Result<Vec<u8>, PublishError> {
    published.repeated += 1;
    published.repeated_first.get_or_insert_with(|| cause.to_string());
    let mut repeats = 0;
    while cause.may_pass() {
        if plan.deadline.has_passed() {
            return Err(PublishError::Repeated {
                event,
                repeats,
                timeout: plan.deadline.timeout(),
                cause: cause.into(),
            });
        }
        std::thread::sleep(REPEAT_EVERY);
        repeats += 1;
        match exchange.renew().and_then(|()| exchange.send(event, request)) {
            Err(again) => cause = again,
            answer => return answer,
        }
    }
    Err(cause)
}

/// Asks the kernel for exact sleeps. By default it wakes a sleeper up to 50 us late, which would be added to every
/// latency.
fn sharpen_sleep() {
    #[cfg(target_os = "linux")]
    {
        // If this fails, the lateness in the report says so.
        let _ = rustix::thread::set_current_timer_slack(Some(std::num::NonZeroU64::MIN));
    }
}
