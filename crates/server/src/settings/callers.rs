//! [`Callers`]: the limits of what one address, one publisher and one client may take.

use std::num::NonZeroU32;

use fanfare_callers::{ENTRIES_MAX, Limits};

use super::{
    most::{Most, Pace, byte_pace, most, pace},
    value::number,
};

/// Keys of `[limits]` on addresses, publishers and clients.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Addresses, publishers and clients")]
pub(super) struct Callers {
    /// One address may have at most this many open sockets [default: 1024, and no limit for loopback addresses].
    ///
    /// An IPv6 address counts together with all others of its /64. The default of this limit and of all others whose
    /// names begin with `caller` does not hold for loopback addresses. A limit that is set holds for them too. With `off`
    /// there is no limit.
    #[arg(long, value_name = "N", value_parser = most)]
    caller_sockets: Option<Most>,

    /// One address may have at most this many open event streams [default: 2048, and no limit for loopback addresses].
    #[arg(long, value_name = "N", value_parser = most)]
    caller_streams: Option<Most>,

    /// One address may make at most this many requests in a second [default: 1000/2048, and no limit for loopback
    /// addresses].
    ///
    /// As many as the number behind the slash may come at once. Without it they are twice as many.
    #[arg(long, value_name = "N[/N]", value_parser = pace)]
    caller_requests: Option<Pace>,

    /// One address may make at most this many handshakes of TLS in a second [default: 100/1024, and no limit for loopback
    /// addresses].
    #[arg(long, value_name = "N[/N]", value_parser = pace)]
    caller_handshakes: Option<Pace>,

    /// One address may publish at most this many events in a second [default: 10000/20000, and no limit for loopback
    /// addresses].
    ///
    /// Each line of a batch counts.
    #[arg(long, value_name = "N[/N]", value_parser = pace)]
    caller_publishes: Option<Pace>,

    /// One address may publish at most this many bytes in a second [default: 16MiB/32MiB, and no limit for loopback
    /// addresses].
    #[arg(long, value_name = "SIZE[/SIZE]", value_parser = byte_pace)]
    caller_published_bytes: Option<Pace>,

    /// One address may send at most this many bodies at a time [default: 256, and no limit for loopback addresses].
    #[arg(long, value_name = "N", value_parser = most)]
    caller_bodies: Option<Most>,

    /// One address may read at most this many pages of history at a time [default: 32, and no limit for loopback
    /// addresses].
    #[arg(long, value_name = "N", value_parser = most)]
    caller_history_pages: Option<Most>,

    /// Streams of one address may read history at most this many at a time [default: 256, and no limit for loopback
    /// addresses].
    #[arg(long, value_name = "N", value_parser = most)]
    caller_catch_up_reads: Option<Most>,

    /// Streams of one address may follow at most this many patterns with a `*` before their end [default: 32, and no limit for
    /// loopback addresses].
    #[arg(long, value_name = "N", value_parser = most)]
    caller_inner_patterns: Option<Most>,

    /// The holder of one token or key may publish at most this many events in a second.
    ///
    /// A token or a key may have a limit of its own instead.
    #[arg(long, value_name = "N[/N]", default_value = "10000", value_parser = pace)]
    holder_publishes: Pace,

    /// The holder of one token or key may publish at most this many bytes in a second.
    #[arg(long, value_name = "SIZE[/SIZE]", default_value = "16MiB", value_parser = byte_pace)]
    holder_published_bytes: Pace,

    /// At most this many streams may have the same client id [default: 256 where a grant names the id, and no limit where anybody may
    /// claim it].
    #[arg(long, value_name = "N", value_parser = most)]
    client_streams: Option<Most>,

    /// The server keeps at most this many addresses apart, and as many holders of tokens and keys [default: 65536, or
    /// `sockets-max` if that is more].
    ///
    /// Those that find no place share the limits of one. Those that do nothing are forgotten.
    #[arg(long, value_name = "N", value_parser = number(1, u32::MAX))]
    pub(super) callers: Option<u32>,
}

impl Callers {
    /// The limits of an address. What is not set is from `unset`.
    pub(super) fn limits(&self, unset: Limits) -> Limits {
        let number = |most: Option<Most>, unset| most.map_or(unset, |Most(number)| number);
        let rate = |pace: Option<Pace>, unset| pace.map_or(unset, |Pace(rate)| rate);
        Limits {
            requests: rate(self.caller_requests, unset.requests),
            handshakes: rate(self.caller_handshakes, unset.handshakes),
            publishes: rate(self.caller_publishes, unset.publishes),
            published_bytes: rate(self.caller_published_bytes, unset.published_bytes),
            sockets: number(self.caller_sockets, unset.sockets),
            streams: number(self.caller_streams, unset.streams),
            bodies: number(self.caller_bodies, unset.bodies),
            history_pages: number(self.caller_history_pages, unset.history_pages),
            catch_up_reads: number(self.caller_catch_up_reads, unset.catch_up_reads),
            inner_patterns: number(self.caller_inner_patterns, unset.inner_patterns),
        }
    }

    /// The limits of a holder.
    pub(super) fn of_holder(&self) -> Limits {
        let (Pace(publishes), Pace(published_bytes)) = (self.holder_publishes, self.holder_published_bytes);
        Limits { publishes, published_bytes, ..Limits::of_holder() }
    }

    /// Streams of one client.
    pub(super) fn client_streams_max(&self) -> Option<usize> {
        let Most(number) = self.client_streams?;
        Some(number.map_or(usize::MAX, |number| usize::try_from(NonZeroU32::get(number)).unwrap_or(usize::MAX)))
    }

    /// Addresses that are kept apart, for this number of sockets.
    pub(super) fn callers_max(&self, sockets_max: usize) -> usize {
        let set = self.callers.map(|callers| usize::try_from(callers).unwrap_or(usize::MAX));
        set.unwrap_or_else(|| ENTRIES_MAX.max(sockets_max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{layers::told_default, limits::definition, samples::serve};

    #[test]
    fn the_defaults_that_are_told_are_those_of_addresses() {
        let definition = definition();
        let of_addresses = definition.get_arguments().filter(|arg| arg.get_id().as_str().starts_with("caller_"));
        let told = of_addresses.map(|arg| {
            let default = told_default(arg).unwrap();
            let value = default.split_once(", and no limit for loopback addresses").unwrap().0.to_owned();
            format!("--{}={value}", arg.get_long().unwrap())
        });
        let told: Vec<_> = told.collect();
        assert_eq!(told.len(), 10);
        let told: Vec<_> = told.iter().map(String::as_str).collect();
        assert_eq!(serve(&[], &told).limits.callers.limits(Limits::NONE), Limits::of_caller());
    }
}
