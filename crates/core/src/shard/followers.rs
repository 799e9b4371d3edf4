//! [`Followers`]: the slots of one shard that a target reaches, by its name or by a pattern. A shard asks it once per publish and
//! target.
//!
//! `Target::All` is not in it, because that reaches every slot. Entering and leaving cost the same for one follower or a million.

use std::collections::HashMap;

use crate::event::{name::Channel, pattern::Pattern, pattern_map::PatternMap, target::Target};

/// Slots by target and by pattern, and back, so that leaving needs no search.
#[derive(Debug, Default)]
pub(crate) struct Followers {
    numbers: HashMap<Target, u32>,
    /// The lists of patterns.
    patterns: PatternMap<u32>,
    lists: Vec<List>,
    free: Vec<u32>,
    /// The entries of each slot: in which list, and where.
    entries: Vec<Box<[Entry]>>,
}

#[derive(Debug)]
struct List {
    followed: Followed,
    members: Vec<Member>,
}

/// The thing that the members of a list follow.
#[derive(Clone, Debug)]
enum Followed {
    Target(Target),
    Pattern(Pattern),
}

/// A slot in a list, and the number of this entry among its own.
#[derive(Clone, Copy, Debug)]
struct Member {
    slot: u32,
    entry: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    list: u32,
    position: u32,
}

impl Followers {
    /// Enters `slot` under each of `targets` and `patterns`, which must differ.
    pub(crate) fn enter(&mut self, slot: u32, targets: impl Iterator<Item = Target>, patterns: &[Pattern]) {
        let all = targets.map(Followed::Target).chain(patterns.iter().cloned().map(Followed::Pattern));
        let entries = all.zip(0..).map(|(followed, entry)| self.push(followed, Member { slot, entry })).collect();
        let at = slot as usize;
        if self.entries.len() <= at {
            self.entries.resize_with(at + 1, Box::default);
        }
        self.entries[at] = entries;
    }

    /// Takes `slot` out of all its lists.
    pub(crate) fn leave(&mut self, slot: u32) {
        for Entry { list: number, position } in std::mem::take(&mut self.entries[slot as usize]) {
            let list = &mut self.lists[number as usize];
            list.members.swap_remove(position as usize);
            if let Some(moved) = list.members.get(position as usize) {
                self.entries[moved.slot as usize][moved.entry as usize].position = position;
            } else if list.members.is_empty() {
                match &list.followed {
                    Followed::Target(target) => drop(self.numbers.remove(target)),
                    Followed::Pattern(pattern) => self.patterns.remove(pattern),
                }
                list.members = Vec::new();
                self.free.push(number);
            }
        }
    }

    /// The slots that `target` reaches by its name.
    pub(crate) fn slots(&self, target: &Target) -> impl Iterator<Item = u32> {
        let list = self.numbers.get(target).map(|number| &self.lists[*number as usize]);
        list.map(|list| list.members.as_slice()).unwrap_or_default().iter().map(|member| member.slot)
    }

    /// Whether any slot follows a pattern.
    pub(crate) fn has_patterns(&self) -> bool {
        !self.patterns.is_empty()
    }

    /// The slots that `channel` reaches by a pattern. A slot comes once for each of its patterns that matches.
    pub(crate) fn slots_by_pattern(&self, channel: &Channel) -> impl Iterator<Item = u32> {
        let lists = self.patterns.matching(channel.as_str()).map(|number| &self.lists[*number as usize]);
        lists.flat_map(|list| list.members.iter().map(|member| member.slot))
    }

    fn push(&mut self, followed: Followed, member: Member) -> Entry {
        let number = match &followed {
            Followed::Target(target) => self.numbers.get(target).copied(),
            Followed::Pattern(pattern) => self.patterns.get(pattern).map(|(_, number)| *number),
        };
        let number = number.unwrap_or_else(|| self.add_list(followed));
        let members = &mut self.lists[number as usize].members;
        members.push(member);
        Entry { list: number, position: u32::try_from(members.len() - 1).unwrap_or(u32::MAX) }
    }

    fn add_list(&mut self, followed: Followed) -> u32 {
        // Most lists are those of clients with one connection.
        let list = List { followed: followed.clone(), members: Vec::with_capacity(1) };
        let number = match self.free.pop() {
            Some(number) => {
                self.lists[number as usize] = list;
                number
            }
            None => {
                self.lists.push(list);
                u32::try_from(self.lists.len() - 1).unwrap_or(u32::MAX)
            }
        };
        match followed {
            Followed::Target(target) => drop(self.numbers.insert(target, number)),
            Followed::Pattern(pattern) => *self.patterns.entry(&pattern).1 = number,
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::name::Channel;

    fn target(name: &str) -> Target {
        Target::Channel(Channel::new(name).unwrap())
    }

    fn slots(index: &Followers, name: &str) -> Vec<u32> {
        let mut slots: Vec<_> = index.slots(&target(name)).collect();
        slots.sort_unstable();
        slots
    }

    #[test]
    fn leaving_takes_out_the_one_that_leaves_and_no_other() {
        let mut index = Followers::default();
        for slot in 0..4 {
            index.enter(slot, [target("a"), target(if slot < 2 { "b" } else { "c" })].into_iter(), &[]);
        }
        index.leave(0);
        index.leave(3);
        assert_eq!(slots(&index, "a"), [1, 2]);
        assert_eq!((slots(&index, "b"), slots(&index, "c")), (vec![1], vec![2]));
        index.enter(0, [target("c")].into_iter(), &[]);
        index.leave(1);
        index.leave(2);
        assert_eq!((slots(&index, "a"), slots(&index, "b"), slots(&index, "c")), (vec![], vec![], vec![0]));
        index.leave(0);
        assert!(index.numbers.is_empty());
        assert_eq!(index.free.len(), index.lists.len());
    }

    #[test]
    fn a_slot_leaves_its_patterns_and_others_stay() {
        let mut index = Followers::default();
        let patterns = |texts: &[&str]| texts.iter().map(|text| Pattern::new(text).unwrap()).collect::<Vec<_>>();
        let reached = |index: &Followers, name: &str| {
            let mut slots: Vec<_> = index.slots_by_pattern(&Channel::new(name).unwrap()).collect();
            slots.sort_unstable();
            slots
        };
        assert!(!index.has_patterns());
        index.enter(0, [target("a")].into_iter(), &patterns(&["a*", "*b"]));
        index.enter(1, std::iter::empty(), &patterns(&["a*"]));
        assert_eq!(
            (reached(&index, "ab"), reached(&index, "b"), reached(&index, "c")),
            (vec![0, 0, 1], vec![0], vec![])
        );
        index.leave(0);
        assert_eq!((reached(&index, "ab"), reached(&index, "b")), (vec![1], vec![]));
        assert!(slots(&index, "a").is_empty() && index.has_patterns());
        index.leave(1);
        assert!(!index.has_patterns());
        assert_eq!(index.free.len(), index.lists.len());
    }
}
