//! [`Line`]: places in the order in which they came, from which any may go. A list whose links are numbers.

/// Not the number of a place.
const NONE: usize = usize::MAX;

/// Places in line, each at most once.
#[derive(Debug)]
pub(crate) struct Line {
    /// By place. The links of a place that is not in line mean nothing.
    links: Vec<Link>,
    oldest: usize,
    newest: usize,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    older: usize,
    newer: usize,
}

impl Line {
    pub(crate) fn new() -> Self {
        Self { links: Vec::new(), oldest: NONE, newest: NONE }
    }

    /// Adds `place`, which is not in line, behind all others.
    pub(crate) fn push(&mut self, place: usize) {
        if self.links.len() <= place {
            self.links.resize(place + 1, Link { older: NONE, newer: NONE });
        }
        self.links[place] = Link { older: self.newest, newer: NONE };
        self.set_newer(self.newest, place);
        self.newest = place;
    }

    /// Takes out `place`, which is in line.
    pub(crate) fn remove(&mut self, place: usize) {
        let Link { older, newer } = self.links[place];
        self.set_newer(older, newer);
        match self.links.get_mut(newer) {
            Some(link) => link.older = older,
            None => self.newest = older,
        }
    }

    /// The place that came first.
    pub(crate) fn oldest(&self) -> Option<usize> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    /// The place that came after `place`, which is in line.
    pub(crate) fn newer(&self, place: usize) -> Option<usize> {
        let newer = self.links[place].newer;
        (newer != NONE).then_some(newer)
    }

    fn set_newer(&mut self, place: usize, newer: usize) {
        match self.links.get_mut(place) {
            Some(link) => link.newer = newer,
            None => self.oldest = newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(line: &Line) -> Vec<usize> {
        std::iter::successors(line.oldest(), |place| line.newer(*place)).collect()
    }

    proptest! {
        #[test]
        fn a_line_is_in_the_order_in_which_places_came(places in prop::collection::vec(0_usize..8, 0..64)) {
            let (mut line, mut expected) = (Line::new(), Vec::new());
            for place in places {
                match expected.iter().position(|other| *other == place) {
                    Some(at) => {
                        expected.remove(at);
                        line.remove(place);
                    }
                    None => {
                        expected.push(place);
                        line.push(place);
                    }
                }
                prop_assert_eq!(&all(&line), &expected);
            }
        }
    }
}
