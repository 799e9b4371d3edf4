//! [`Followers`]: the slots of one shard that a target reaches. A shard asks it once per publish and target.
//!
//! `Target::All` is not in it, because that reaches every slot. Entering and leaving cost the same for one follower or a million.

use std::collections::HashMap;

use crate::event::target::Target;

/// Slots by target, and back, so that leaving needs no search.
#[derive(Debug, Default)]
pub(crate) struct Followers {
    numbers: HashMap<Target, u32>,
    lists: Vec<List>,
    free: Vec<u32>,
    /// The entries of each slot: in which list, and where.
    entries: Vec<Box<[Entry]>>,
}

#[derive(Debug)]
struct List {
    target: Target,
    members: Vec<Member>,
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
    /// Enters `slot` under each of `targets`, which must differ.
    pub(crate) fn enter(&mut self, slot: u32, targets: impl Iterator<Item = Target>) {
        let entries = targets.zip(0..).map(|(target, entry)| self.push(target, Member { slot, entry })).collect();
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
                self.numbers.remove(&list.target);
                list.members = Vec::new();
                self.free.push(number);
            }
        }
    }

    /// The slots that `target` reaches.
    pub(crate) fn slots(&self, target: &Target) -> impl Iterator<Item = u32> {
        let list = self.numbers.get(target).map(|number| &self.lists[*number as usize]);
        list.into_iter().flat_map(|list| list.members.iter().map(|member| member.slot))
    }

    fn push(&mut self, target: Target, member: Member) -> Entry {
        let number = match self.numbers.get(&target) {
            Some(number) => *number,
            None => self.add_list(target),
        };
        let members = &mut self.lists[number as usize].members;
        members.push(member);
        Entry { list: number, position: u32::try_from(members.len() - 1).unwrap_or(u32::MAX) }
    }

    fn add_list(&mut self, target: Target) -> u32 {
        // Most lists are those of clients with one connection.
        let list = List { target: target.clone(), members: Vec::with_capacity(1) };
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
        self.numbers.insert(target, number);
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
            index.enter(slot, [target("a"), target(if slot < 2 { "b" } else { "c" })].into_iter());
        }
        index.leave(0);
        index.leave(3);
        assert_eq!(slots(&index, "a"), [1, 2]);
        assert_eq!((slots(&index, "b"), slots(&index, "c")), (vec![1], vec![2]));
        index.enter(0, [target("c")].into_iter());
        index.leave(1);
        index.leave(2);
        assert_eq!((slots(&index, "a"), slots(&index, "b"), slots(&index, "c")), (vec![], vec![], vec![0]));
        index.leave(0);
        assert!(index.numbers.is_empty());
        assert_eq!(index.free.len(), index.lists.len());
    }
}
