//! [`Graph`]: files and arrows between them, and the circles that these make.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Files and, for each, those that it imports.
#[derive(Debug)]
pub(super) struct Graph {
    names: Vec<String>,
    arrows: Vec<BTreeSet<usize>>,
}

impl Graph {
    pub(super) fn new(names: Vec<String>, arrows: Vec<BTreeSet<usize>>) -> Self {
        Self { names, arrows }
    }

    /// A way round each circle: `a.rs -> b.rs -> a.rs`. A file stands twice in it if there is no other way.
    pub(super) fn circles(&self) -> Vec<String> {
        let mut circles: Vec<String> = self.components().iter().map(|circle| self.way_round(circle)).collect();
        circles.sort_unstable();
        circles
    }

    /// Sets of more than one file of which each leads to each other.
    fn components(&self) -> Vec<BTreeSet<usize>> {
        let mut search = Search { graph: self, stack: Vec::new(), seen: BTreeMap::new(), components: Vec::new() };
        for file in 0..self.names.len() {
            if !search.seen.contains_key(&file) {
                search.visit(file);
            }
        }
        search.components.retain(|component| component.len() > 1);
        search.components
    }

    fn next(&self, file: usize) -> impl Iterator<Item = usize> {
        self.arrows.get(file).into_iter().flatten().copied()
    }

    fn name(&self, file: usize) -> &str {
        self.names.get(file).map_or("", String::as_str)
    }

    /// From file to file, each time to the nearest that was not there yet, and back to the first.
    fn way_round(&self, circle: &BTreeSet<usize>) -> String {
        let Some(first) = circle.iter().copied().min_by_key(|file| self.name(*file)) else { return String::new() };
        let mut way = vec![first];
        let mut left = circle.clone();
        left.remove(&first);
        let mut here = first;
        while !left.is_empty() {
            let step = self.shortest(here, circle, &left);
            // In a circle there is a way from each file to each.
            let Some(there) = step.last().copied() else { break };
            left.retain(|file| !step.contains(file));
            way.extend(step);
            here = there;
        }
        way.extend(self.shortest(here, circle, &BTreeSet::from([first])));
        way.iter().map(|file| self.name(*file)).collect::<Vec<_>>().join(" -> ")
    }

    /// The files behind `from`, up to and with the nearest of `goals`.
    fn shortest(&self, from: usize, circle: &BTreeSet<usize>, goals: &BTreeSet<usize>) -> Vec<usize> {
        let mut came_from = BTreeMap::from([(from, from)]);
        let mut open = VecDeque::from([from]);
        while let Some(file) = open.pop_front() {
            if file != from && goals.contains(&file) {
                let mut way = vec![file];
                let mut at = file;
                while let Some(before) = came_from.get(&at).copied().filter(|before| *before != from) {
                    way.push(before);
                    at = before;
                }
                way.reverse();
                return way;
            }
            for next in self.next(file).filter(|next| circle.contains(next)) {
                came_from.entry(next).or_insert_with(|| {
                    open.push_back(next);
                    file
                });
            }
        }
        Vec::new()
    }
}

/// Tarjan's search for strongly connected components.
struct Search<'a> {
    graph: &'a Graph,
    /// Those that are in no component yet, in the order in which they were seen.
    stack: Vec<usize>,
    /// When each was seen.
    seen: BTreeMap<usize, usize>,
    components: Vec<BTreeSet<usize>>,
}

impl Search<'_> {
    /// The earliest file of the stack that `file` leads to.
    fn visit(&mut self, file: usize) -> usize {
        let mine = self.seen.len();
        self.seen.insert(file, mine);
        let depth = self.stack.len();
        self.stack.push(file);
        let mut earliest = mine;
        for next in self.graph.next(file).collect::<Vec<_>>() {
            let reached = match self.seen.get(&next).copied() {
                None => self.visit(next),
                Some(seen) if self.stack.contains(&next) => seen,
                Some(_) => continue,
            };
            earliest = earliest.min(reached);
        }
        if earliest == mine {
            self.components.push(self.stack.split_off(depth).into_iter().collect());
        }
        earliest
    }
}
