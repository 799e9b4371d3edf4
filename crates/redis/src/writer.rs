//! [`Writer`]: takes the submissions that wait at the desk and has Redis append them. One script appends a group, and a
//! few groups are under way at a time. The publishers of appended events get their answer when the reader brings the
//! event.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::poll_fn,
    ops::Range,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use fanfare_core::journal::{Delay, Desk, Refusal, Settled, Submission};
use futures_util::{FutureExt as _, StreamExt as _, future::LocalBoxFuture, stream::FuturesUnordered};
use redis::{Cmd, RedisError, Value};
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    config::Config,
    entry,
    in_flight::InFlight,
    link::{Link, fresh_name},
    link_error::LinkError,
    redis_error,
    trouble::Trouble,
};

/// Events that one script appends, and their bytes. Other commands wait until the script ends.
pub(crate) const GROUP_EVENTS_MAX: usize = 256;
pub(crate) const GROUP_BYTES_MAX: usize = 1 << 20;
/// Groups that are under way at a time. With replicas it is one, and the groups are larger: the wait blocks the
/// connection, and the replicas of a second group would be asked too late.
const GROUPS_MAX: usize = 4;
const SAFE_GROUP_EVENTS_MAX: usize = 2_048;
/// Time between two looks at submissions that wait in vain, and between two questions whether Redis takes events again.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// Errors after which the Stream is looked for anew.
const ELSEWHERE: [&str; 8] = ["READONLY", "MOVED", "ASK", "CLUSTERDOWN", "MASTERDOWN", "LOADING", "TRYAGAIN", "NOAUTH"];

/// The means of a writer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) config: &'a Config,
    /// Name of this node.
    pub(crate) node: &'a str,
    pub(crate) link: &'a Link,
    pub(crate) in_flight: &'a RefCell<InFlight>,
    pub(crate) trouble: &'a Trouble,
}

/// A group under way. Empty if it only asks whether Redis takes events.
struct Group {
    numbers: Range<u64>,
    delays: Vec<Delay>,
}

type Reply = (Group, Result<(Value, bool), RedisError>);
type Replies<'a> = FuturesUnordered<LocalBoxFuture<'a, Reply>>;

impl<'a> Writer<'a> {
    /// Writes until the desk is closed and everything has its answer.
    ///
    /// # Errors
    /// The link fails.
    pub(crate) async fn run(self, desk: &dyn Desk) -> Result<(), LinkError> {
        let mut replies = Replies::new();
        let ended = self.work(&mut replies, desk).await;
        // An answer that has come in time counts, whatever ended the link.
        while let Some(Some((group, reply))) = replies.next().now_or_never() {
            let _ = self.answer(group, reply, desk);
        }
        ended
    }

    async fn work(self, replies: &mut Replies<'a>, desk: &dyn Desk) -> Result<(), LinkError> {
        // Submissions of earlier links.
        let before = self.in_flight.borrow().next();
        let mut closed = None;
        let mut look = interval(LOOK_INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            while replies.len() < self.groups_max()
                && let Some(group) = self.first_few()
            {
                self.send(group, replies, desk)?;
            }
            let has_all_replies = replies.is_empty();
            tokio::select! {
                biased;
                Some((group, reply)) = replies.next(), if !has_all_replies => self.answer(group, reply, desk)?,
                is_over = self.take(has_all_replies, desk), if !self.in_flight.borrow().has_unsent() => {
                    if is_over {
                        return Ok(());
                    }
                }
                _ = look.tick() => {
                    let lost = self.in_flight.borrow_mut().take_older(self.config.timeout, before);
                    self.trouble.refuse(lost, Refusal::Unknown, desk);
                    if self.trouble.is_ongoing() && has_all_replies {
                        self.send(Vec::new(), replies, desk)?;
                    }
                    // Nobody takes the events that were read: there are no shards any more.
                    if desk.is_closed() && closed.get_or_insert_with(Instant::now).elapsed() > self.config.timeout {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn groups_max(self) -> usize {
        if self.config.replicas > 0 { 1 } else { GROUPS_MAX }
    }

    /// Takes the submissions that wait at the desk. True if the desk is closed and nothing is under way. Answers that
    /// are due are waited for, although the reader may have brought their events already.
    async fn take(self, has_all_replies: bool, desk: &dyn Desk) -> bool {
        poll_fn(|cx| {
            let mut in_flight = self.in_flight.borrow_mut();
            let has_unsent = in_flight.fetch(desk, cx);
            let is_over = has_all_replies && in_flight.is_empty() && desk.is_closed();
            if is_over || has_unsent { Poll::Ready(is_over) } else { Poll::Pending }
        })
        .await
    }

    /// Takes the first unsent submissions, as many as are a group.
    fn first_few(self) -> Option<Vec<Submission>> {
        let events_max = if self.config.replicas > 0 { SAFE_GROUP_EVENTS_MAX } else { GROUP_EVENTS_MAX };
        let group = self.in_flight.borrow_mut().take_group(events_max, GROUP_BYTES_MAX);
        (!group.is_empty()).then_some(group)
    }

    fn send(self, submissions: Vec<Submission>, replies: &mut Replies<'a>, desk: &dyn Desk) -> Result<(), LinkError> {
        let (replicas, timeout) = (self.config.replicas, self.config.timeout);
        let delays = if replicas > 0 { submissions.iter().map(Submission::delay).collect() } else { Vec::new() };
        let (first, cursor) = (self.in_flight.borrow().next(), self.in_flight.borrow().cursor());
        let mut command = append(self.link, self.config, "");
        command.arg(cursor.ms()).arg(self.node).arg(first);
        for submission in &submissions {
            let event = submission.event();
            let key = submission.key().map(|key| entry::key_name(key, event)).unwrap_or_default();
            command.arg(entry::head(event)).arg(event.data()).arg(key).arg(submission.matched());
        }
        let group = Group { numbers: self.in_flight.borrow_mut().send(submissions), delays };
        let mut reply: LocalBoxFuture<'_, Reply> =
            Box::pin(Link::send(self.link.appending(), command, replicas, timeout).map(|reply| (group, reply)));
        // The first poll sends the command, so that groups come in their order.
        match reply.as_mut().now_or_never() {
            Some((group, reply)) => self.answer(group, reply, desk),
            None => {
                replies.push(reply);
                Ok(())
            }
        }
    }

    fn answer(self, group: Group, reply: Result<(Value, bool), RedisError>, desk: &dyn Desk) -> Result<(), LinkError> {
        match reply.and_then(|(reply, is_safe)| Ok((reply.extract_error()?, is_safe))) {
            Ok((reply, is_safe)) => self.appended(group, reply, is_safe, desk),
            // The server has refused: the script tries everything before it adds an event.
            Err(error) if error.code().is_some() => {
                let is_elsewhere = redis_error::code(&error).is_some_and(|code| ELSEWHERE.contains(&code));
                let named = self.link.named(error.into());
                self.trouble.begins(&named.reason, desk);
                let refused = self.in_flight.borrow_mut().take_all(group.numbers);
                self.trouble.refuse(refused, Refusal::NotPublished, desk);
                if is_elsewhere { Err(named) } else { Ok(()) }
            }
            Err(error) => Err(self.link.named(error.into())),
        }
    }

    fn appended(self, group: Group, reply: Value, is_safe: bool, desk: &dyn Desk) -> Result<(), LinkError> {
        let Group { numbers, delays } = group;
        let reply: Vec<String> = redis::from_redis_value(reply).map_err(|error| LinkError::new(error.to_string()))?;
        let mut answers = reply.iter();
        let last = answers.next().and_then(|id| id.parse().ok());
        let mut repeats = VecDeque::new();
        while let (Some(place), Some(id), Some(matched)) = (answers.next(), answers.next(), answers.next()) {
            let number = numbers.start.saturating_add(place.parse().unwrap_or(u64::MAX));
            let Some(submission) = self.in_flight.borrow_mut().take(number) else { continue };
            repeats.push_back(match id.parse() {
                Err(_) => Settled::Refused(submission, Refusal::KeyReused),
                Ok(_) if !is_safe => Settled::Refused(submission, Refusal::Unknown),
                Ok(id) => Settled::Repeat { submission, id, matched: matched.parse().unwrap_or(0) },
            });
        }
        // None of them waits for room.
        desk.settle(&mut repeats, &Context::from_waker(Waker::noop()));
        if let Some(last) = last {
            self.in_flight.borrow_mut().appended(numbers, last);
        }
        delays.into_iter().for_each(|delay| delay.release(if is_safe { Ok(()) } else { Err(Refusal::Unknown) }));
        if is_safe {
            self.trouble.is_over(desk);
        } else {
            self.trouble.begins("fewer replicas than --redis-wait-replicas asks for have what was published", desk);
        }
        Ok(())
    }
}

/// The command that appends, up to the arguments of its events.
pub(crate) fn append(link: &Link, config: &Config, token: &str) -> Cmd {
    let mut command = link.append();
    command.arg(config.events_max).arg(config.keys_max).arg(config.keys_ms).arg(fresh_name()).arg(token);
    command
}
