//! [`Script`]: a journal that a test gives its lines: it takes, refuses, holds or breaks.

use std::{
    io, mem,
    sync::{Arc, Mutex},
    task::{Context, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use fanfare_core::{
    EventId,
    journal::{Desk, Journal, Kept, Past, Refusal, Settled},
};

/// Settles submissions, none of which waits for room.
fn settle(desk: &dyn Desk, settled: impl Iterator<Item = Settled>) {
    desk.settle(&mut settled.collect(), &Context::from_waker(Waker::noop()));
}

/// Ids begin after this one. It is far in the future, so that nothing is too old to be kept.
const BEFORE_MS: u64 = 5_000_000_000_000;

/// The journal's way with submissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    #[default]
    Takes,
    Refuses(Refusal),
    /// Takes them, and answers nothing.
    Holds,
    Panics,
    /// Takes them, but its events are not safe in the end.
    EndsBadly,
    /// Cannot even be read.
    Unreadable,
    /// Is read later, when its mood is another one.
    Late,
}

#[derive(Debug, Default)]
struct State {
    mood: Mood,
    /// How many events came together, each time.
    groups: Vec<usize>,
    /// How many it has and has not answered.
    held: usize,
    has_ended: bool,
    /// Events that it took, for the next server behind it.
    kept: Vec<Kept>,
}

/// The test's end of a journal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script(Arc<Mutex<State>>);

impl Script {
    pub(crate) fn new(mood: Mood) -> Self {
        let script = Self::default();
        script.set(mood);
        script
    }

    pub(crate) fn set(&self, mood: Mood) {
        self.0.lock().unwrap().mood = mood;
    }

    fn mood(&self) -> Mood {
        self.0.lock().unwrap().mood
    }

    pub(crate) fn groups(&self) -> Vec<usize> {
        self.0.lock().unwrap().groups.clone()
    }

    pub(crate) fn held(&self) -> usize {
        self.0.lock().unwrap().held
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.0.lock().unwrap().has_ended
    }

    pub(crate) fn journal(&self) -> Box<dyn Journal> {
        Box::new(Scripted { script: self.clone(), is_read: false })
    }
}

struct Scripted {
    script: Script,
    is_read: bool,
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Scripted {
    fn give_back(&self, desk: &dyn Desk) {
        let born = EventId::new(1_000, 0);
        let kept = self.script.0.lock().unwrap().kept.clone();
        let last = kept.last().map_or(born, |kept| kept.id);
        for kept in kept {
            desk.restore(kept);
        }
        desk.restore_past(Past { born, last, lost: born, ..Past::default() });
    }
}

impl Journal for Scripted {
    fn restore(&mut self, desk: &dyn Desk) -> io::Result<()> {
        if self.script.mood() == Mood::Unreadable {
            return Err(io::Error::other("the test says so"));
        }
        self.is_read = self.script.mood() != Mood::Late;
        if self.is_read {
            self.give_back(desk);
        }
        Ok(())
    }

    fn run(self: Box<Self>, desk: &dyn Desk) -> io::Result<()> {
        if !self.is_read {
            desk.set_trouble(Some("it is late".to_owned()));
            while self.script.mood() == Mood::Late && !desk.is_closed() {
                thread::park_timeout(Duration::from_millis(2));
            }
            desk.set_trouble(None);
            self.give_back(desk);
        }
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let (mut group, mut last_ms) = (Vec::new(), BEFORE_MS + self.script.0.lock().unwrap().kept.len() as u64);
        loop {
            desk.take(&mut group, &Context::from_waker(&waker));
            // Not before: a submission after a change meets the new mood.
            let mood = {
                let mut state = self.script.0.lock().unwrap();
                state.held = group.len();
                state.mood
            };
            assert!(mood != Mood::Panics, "the test says so");
            if group.is_empty() || mood == Mood::Holds {
                if group.is_empty() && desk.is_closed() {
                    break;
                }
                // The mood may change without a word.
                thread::park_timeout(Duration::from_millis(2));
                continue;
            }
            self.script.0.lock().unwrap().groups.push(group.len());
            let group = mem::take(&mut group);
            match mood {
                Mood::Refuses(refusal) => {
                    desk.set_trouble(Some("no space left".to_owned()));
                    let refused = group.into_iter().map(|submission| Settled::Refused(submission, refusal));
                    settle(desk, refused);
                }
                _ => {
                    desk.set_trouble(None);
                    let committed = group.into_iter().map(|submission| {
                        last_ms += 1;
                        Settled::Own(EventId::new(last_ms, 0), submission)
                    });
                    let committed: Vec<_> = committed.collect();
                    let kept = committed.iter().filter_map(|settled| match settled {
                        Settled::Own(id, submission) => {
                            Some(Kept { id: *id, event: Some(submission.event().clone()), key: None })
                        }
                        _ => None,
                    });
                    self.script.0.lock().unwrap().kept.extend(kept);
                    settle(desk, committed.into_iter());
                }
            }
        }
        let mut state = self.script.0.lock().unwrap();
        state.has_ended = true;
        if state.mood == Mood::EndsBadly { Err(io::Error::other("the test says so")) } else { Ok(()) }
    }
}
