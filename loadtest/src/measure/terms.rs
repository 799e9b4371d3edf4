//! The agreement of a run's publishers and receivers: how much one event says, which series it belongs to, and which
//! node takes it.
//!
//! Plain numbers, so that both sides can work out the same from a stamp. Travels to other processes.

use serde::{Deserialize, Serialize};

/// A receiver's knowledge of the published events.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Terms {
    /// Tells this run's events from those of a run before or beside it.
    pub(crate) run: u32,
    pub(crate) size_bytes: u32,
    /// How many channels, or clients, are published to.
    pub(crate) addressees: u32,
    /// Publishers, each of which numbers its events to each addressee by itself: a series.
    pub(crate) publishers: u32,
    /// Time between two events of the run. 0: they come as fast as they are answered.
    pub(crate) interval_ns: u64,
    /// How many servers stand for the target. All have the same events in the same order.
    pub(crate) nodes: u32,
    /// Events in one request. The last request of each publisher may have fewer.
    pub(crate) batch: u32,
}

impl Terms {
    pub(crate) fn series(self, addressee: u32, publisher: u32) -> u32 {
        addressee * self.publishers + publisher
    }

    pub(crate) fn series_count(self) -> usize {
        self.addressees as usize * self.publishers as usize
    }

    /// The nodes that a publisher publishes on: one, or several where there are fewer publishers than nodes.
    pub(crate) fn nodes_of_publisher(self, publisher: u32) -> impl ExactSizeIterator<Item = u32> {
        (publisher % self.nodes..self.nodes).step_by(self.publishers as usize)
    }

    /// The place, among its publisher's nodes, of the one that takes an event with its whole batch. The nodes take
    /// turns, and each addressee begins at another one.
    pub(crate) fn turn(self, series: u32, number: u32) -> usize {
        let (addressee, publisher) = (series / self.publishers, series % self.publishers);
        addressee.wrapping_add(number / self.batch) as usize % self.nodes_of_publisher(publisher).len()
    }

    pub(crate) fn node_of_event(self, series: u32, number: u32) -> u32 {
        let publisher = series % self.publishers;
        publisher % self.nodes + self.turn(series, number) as u32 * self.publishers
    }

    /// The node of a stream that is opened for the first time: all in turn, and all for the streams of each addressee.
    pub(crate) fn node_of_stream(self, connection: u32) -> u32 {
        (connection % self.addressees + connection / self.addressees) % self.nodes
    }

    /// The node of a stream that comes back: another one, as behind a load balancer.
    pub(crate) fn node_after(self, node: u32) -> u32 {
        (node + 1) % self.nodes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(nodes: u32, publishers: u32, addressees: u32) -> Terms {
        Terms { run: 1, size_bytes: 80, addressees, publishers, interval_ns: 0, nodes, batch: 1 }
    }

    #[test]
    fn each_publisher_has_a_node_of_its_own_and_no_node_has_none() {
        let nodes = |nodes, publishers| -> Vec<Vec<u32>> {
            let terms = terms(nodes, publishers, 1);
            (0..publishers).map(|publisher| terms.nodes_of_publisher(publisher).collect()).collect()
        };
        assert_eq!(nodes(1, 2), [[0], [0]]);
        assert_eq!(nodes(3, 1), [[0, 1, 2]]);
        assert_eq!(nodes(3, 2), [vec![0, 2], vec![1]]);
        assert_eq!(nodes(3, 3), [[0], [1], [2]]);
        assert_eq!(nodes(2, 5), [[0], [1], [0], [1], [0]]);
    }

    #[test]
    fn a_publisher_of_several_nodes_goes_round_whoever_it_publishes_to() {
        let node = |terms: Terms, addressee, number| terms.node_of_event(terms.series(addressee, 0), number);
        assert_eq!([0, 1, 2, 3].map(|number| node(terms(3, 1, 1), 0, number)), [0, 1, 2, 0]);
        assert_eq!([0, 1, 2, 3].map(|client| node(terms(3, 1, 9), client, 0)), [0, 1, 2, 0]);
        assert_eq!([0, 1, 2, 3].map(|number| node(terms(5, 2, 1), 0, number)), [0, 2, 4, 0]);
        let batches = Terms { batch: 2, ..terms(3, 1, 1) };
        assert_eq!([0, 1, 2, 3, 6].map(|number| node(batches, 0, number)), [0, 0, 1, 1, 0]);
    }

    #[test]
    fn the_node_of_an_event_is_one_of_its_publisher() {
        for (nodes, publishers) in [(1, 1), (1, 3), (2, 1), (3, 2), (3, 3), (3, 4), (7, 3)] {
            let terms = terms(nodes, publishers, 4);
            for series in 0..terms.series_count() as u32 {
                let own: Vec<u32> = terms.nodes_of_publisher(series % publishers).collect();
                for number in 0..9 {
                    assert_eq!(own[terms.turn(series, number)], terms.node_of_event(series, number));
                }
            }
        }
    }

    #[test]
    fn the_streams_of_each_addressee_are_on_all_nodes() {
        for (nodes, addressees) in [(1, 1), (2, 1), (3, 1), (2, 2), (3, 2), (3, 3), (2, 4), (3, 9)] {
            let terms = terms(nodes, 1, addressees);
            for addressee in 0..addressees {
                let mut streams = vec![0; nodes as usize];
                let mine = (0..nodes * addressees * 2).filter(|connection| connection % addressees == addressee);
                mine.for_each(|connection| streams[terms.node_of_stream(connection) as usize] += 1);
                assert!(streams.iter().all(|count| *count == 2), "{nodes} {addressees}: {streams:?}");
            }
        }
        assert_eq!(
            (terms(3, 1, 1).node_after(1), terms(3, 1, 1).node_after(2), terms(1, 1, 1).node_after(0)),
            (2, 0, 0)
        );
    }
}
