//! [`Graph`]: files, arrows between them, and the circles of these arrows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Files, and for each file those that it imports.
#[derive(Debug)]
pub(super) struct Graph {
    names: Vec<String>,
    arrows: Vec<BTreeSet<usize>>,
}

impl Graph {
    pub(super) fn new(names: Vec<String>, arrows: Vec<BTreeSet<usize>>) -> Self {
        Self { names, arrows }
    }

    /// A way round each circle: `a.rs -> b.rs -> a.rs`. A file may occur twice if there is no other way.
    pub(super) fn circles(&self) -> Vec<String> {
        let mut circles: Vec<String> = self.components().iter().map(|circle| self.way_round(circle)).collect();
        circles.sort_unstable();
        circles
    }

    /// Sets of two or more files in which each file leads to every other.
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

    /// A walk through the circle: each time to the nearest file that is not on the walk yet, in the end back to the
    /// first.
    fn way_round(&self, circle: &BTreeSet<usize>) -> String {
        let Some(first) = circle.iter().copied().min_by_key(|file| self.name(*file)) else { return String::new() };
        let mut way = vec![first];
        let mut left = circle.clone();
        left.remove(&first);
        let mut here = first;
        while !left.is_empty() {
            let step = self.shortest(here, circle, &left);
            // A circle has a way from each file to every other, so the steps never end here.
            let Some(there) = step.last().copied() else { break };
            left.retain(|file| !step.contains(file));
            way.extend(step);
            here = there;
        }
        way.extend(self.shortest(here, circle, &BTreeSet::from([first])));
        way.iter().map(|file| self.name(*file)).collect::<Vec<_>>().join(" -> ")
    }

    /// The files behind `from`, up to and with the nearest one of `goals`.
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
    /// Files without a component, in the order of the search.
    stack: Vec<usize>,
    /// Rank of each file in the order of the search.
    seen: BTreeMap<usize, usize>,
    components: Vec<BTreeSet<usize>>,
}

impl Search<'_> {
    /// Searches from `file`. Returns the lowest rank on the stack that `file` leads to.
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
