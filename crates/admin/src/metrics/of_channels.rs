//! Metrics of single channels, for whoever asks for them. Their names come from clients, so their number has a limit.

use fanfare_http::{Channel, ChannelAccount};

use crate::metrics::family::Family;

pub(crate) fn families(channels: &[(Channel, ChannelAccount)]) -> Vec<Family> {
    let by_channel = |of: fn(&ChannelAccount) -> u64| {
        channels.iter().map(move |(channel, account)| (channel.as_str().to_owned(), of(account)))
    };
    // A channel that nobody follows is forgotten and may begin again at 0, as a counter may.
    let connections = |account: &ChannelAccount| u64::try_from(account.connections).unwrap_or(u64::MAX);
    vec![
        Family::gauge("fanfare_channel_connections", "Streams that follow the channel by name.")
            .by("channel", by_channel(connections)),
        Family::counter(
            "fanfare_channel_deliveries_matched",
            "Deliveries of the channel's events that were due to open streams.",
        )
        .by("channel", by_channel(|account| account.matched)),
        Family::counter(
            "fanfare_channel_deliveries_dropped",
            "Deliveries of the channel's events that found no room in a ring.",
        )
        .by("channel", by_channel(|account| account.dropped)),
        Family::counter(
            "fanfare_channel_deliveries_repaired",
            "Dropped deliveries of the channel's events that the history made good.",
        )
        .by("channel", by_channel(|account| account.repaired)),
        Family::counter("fanfare_channel_deliveries_lost", "Deliveries of the channel's events that never happen.")
            .by("channel", by_channel(|account| account.lost)),
    ]
}
