//! Questions for the fate of an event, at any moment, and their answers against what the members have got.

use std::{
    collections::HashSet,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use fanfare_core::{
    ClientId,
    engine::{About, ConnectionFate, Explanation, Verdict, Whose},
};

use super::World;
use crate::support::{
    client,
    member::{Entry, Member},
};

/// Events that a question may go back.
const BACK_MAX: usize = 80;

/// A question that is not answered yet.
pub(super) struct Asked {
    future: Pin<Box<dyn Future<Output = Explanation> + Send>>,
    client: ClientId,
    /// The place of the event in the log.
    at: usize,
    /// Connections that had got the event when the question was asked.
    got: HashSet<u64>,
    /// Connections that had been told of its loss.
    lost: HashSet<u64>,
}

impl World {
    /// Asks what became of an event for a client.
    pub(super) fn ask(&mut self) {
        let Some(back) = self.any(self.log.entries.len().min(BACK_MAX)) else { return };
        let at = self.log.entries.len() - 1 - back;
        let client = client(&format!("u{}", self.rng.below(5)));
        let (hub, whose, id) = (self.hub().clone(), Whose::Client(client.clone()), self.log.entries[at].id);
        let log = &self.log;
        self.members.iter_mut().for_each(|member| member.take_out(log));
        let of = |is_it: &dyn Fn(&Member) -> bool| {
            let members = self.members.iter().chain(&self.gone).chain(&self.past);
            members.filter(|member| is_it(member)).map(|member| member.connection).collect()
        };
        let got = of(&|member| member.received.contains(&id));
        let lost = of(&|member| member.skipped.contains(&id));
        let future = Box::pin(async move { hub.explain(id, &whose).await });
        self.asked.push(Asked { future, client, at, got, lost });
    }

    /// Takes the answers that are there.
    pub(super) fn hear_answers(&mut self) {
        let log = &self.log;
        self.members.iter_mut().for_each(|member| member.take_out(log));
        let mut asked = std::mem::take(&mut self.asked);
        asked.retain_mut(|asked| {
            let Poll::Ready(explanation) = asked.future.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
                return true;
            };
            self.check_explanation(asked, &explanation);
            false
        });
        self.asked.append(&mut asked);
    }

    fn check_explanation(&mut self, asked: &Asked, explanation: &Explanation) {
        let entry = &self.log.entries[asked.at];
        match &explanation.about {
            About::Event { targets, .. } => assert_eq!(targets, entry.event.targets()),
            about => panic!("{} is known: {about:?}", entry.id),
        }
        for connection in asked.got.iter().chain(&asked.lost) {
            let is_of_client = |member: &&Member| member.connection == *connection && member.client == asked.client;
            let is_told = explanation.connections.iter().any(|fate| fate.connection == *connection);
            let is_asked_for =
                self.members.iter().chain(&self.gone).chain(&self.past).any(|member| is_of_client(&member));
            assert!(is_told || !is_asked_for, "nothing is said of connection {connection}: {explanation:?}");
        }
        let mut vague = 0;
        for fate in &explanation.connections {
            assert_eq!(fate.client, asked.client);
            let mut members = self.members.iter_mut().chain(&mut self.gone).chain(&mut self.past);
            if let Some(member) = members.find(|member| member.connection == fate.connection) {
                check(member, entry, fate, asked);
                vague += usize::from(fate.verdict == Verdict::TooLongAgo);
            }
        }
        self.vague += vague;
        self.answered += explanation.connections.len();
    }
}

/// Checks one fate. The member may have got the event since the shard has answered.
fn check(member: &mut Member, entry: &Entry, fate: &ConnectionFate, asked: &Asked) {
    let (connection, verdict) = (fate.connection, &fate.verdict);
    let is_lost = matches!(verdict, Verdict::Dropped(_) | Verdict::InGap(_));
    if is_lost {
        member.given_up.insert(entry.id);
    }
    let member = &*member;
    let who = || {
        let Member { policy, after, opened, told, .. } = member;
        let (id, is_kept) = (entry.id, entry.event.is_kept());
        format!(
            "{id} (kept {is_kept}) for {connection} ({policy:?}, after {after}, opened {opened}): {fate:?}, told {told:?}"
        )
    };
    let has_got = member.received.contains(&entry.id);
    let is_for_it = member.is_reached_by(&entry.event);
    assert_eq!(*verdict == Verdict::NotSubscribed, !is_for_it, "{}", who());
    if !is_for_it {
        return;
    }
    let is_written = matches!(verdict, Verdict::Written(_) | Verdict::Repaired(..));
    let is_vague = *verdict == Verdict::TooLongAgo;
    assert!(!is_written || has_got, "it has not got it: {}", who());
    if asked.got.contains(&connection) {
        assert!(is_written || is_vague, "it had got it: {}", who());
    }
    assert!(!is_lost || !has_got, "it has got it: {}", who());
    if asked.lost.contains(&connection) {
        assert!(is_lost || is_vague, "it was told of the loss: {}", who());
    }
    if let Verdict::Dropped(Some(gap)) | Verdict::InGap(Some(gap)) = verdict {
        assert!(gap.from < Some(entry.id) && Some(entry.id) <= gap.to, "the gap is of others: {}", who());
    }
    if *verdict == Verdict::NotConnected {
        let is_older = entry.id <= member.after || (!entry.event.is_kept() && entry.id <= member.opened);
        assert!(
            is_older || member.lives_ms.is_some() || fate.ended.is_some() || !member.causes.is_empty(),
            "{}",
            who()
        );
    }
}
