//! All figures as JSON.

use std::time::SystemTime;

use fanfare_http::{Figures, Histogram, core::engine::Amount};
use serde_json::{Value, json};

use crate::{
    answer::words::{self, by_gap_reason, by_transport, close_reason, object},
    metrics::buckets,
};

pub(crate) fn figures(figures: &Figures) -> Value {
    let deliveries = &figures.deliveries;
    json!({
        "at": words::time(SystemTime::now()),
        "uptime_ms": figures.uptime_ms,
        "connections": object(by_transport(&figures.connections)),
        "opened": object(by_transport(&figures.opened)),
        "closed": object(figures.closed.iter().map(|(reason, count)| (close_reason(*reason), *count))),
        "channels": figures.channels,
        "patterns": figures.patterns,
        "clients": figures.clients,
        "sockets": figures.sockets,
        "requests": figures.requests,
        "publishes": object(figures.publishes.iter().copied()),
        "events": figures.events,
        "event_bytes": figures.event_bytes,
        "deliveries": {
            "matched": deliveries.matched,
            "replayed": deliveries.replayed,
            "written": deliveries.written,
            "written_bytes": deliveries.written_bytes,
            "dropped": deliveries.dropped,
            "repaired": deliveries.repaired,
            "lost": deliveries.lost,
        },
        "gaps": object(by_gap_reason(&figures.gaps)),
        "refusals": object(figures.refusals.iter().cloned()),
        "ring": { "bytes": figures.ring_bytes, "bytes_max": figures.ring_bytes_max },
        "history": {
            "events": figures.history_events,
            "bytes": figures.history_bytes,
            "bytes_max": figures.history_bytes_max,
            "targets": figures.history_targets,
            "targets_max": figures.history_targets_max,
        },
        "inboxes": figures.inboxes.iter().map(amount).collect::<Vec<_>>(),
        "inbox_max": amount(&figures.inbox_max),
        "waiting_publishers": figures.waiting_publishers,
        "lock_contentions": figures.lock_contentions,
        "unanswered": { "publishes": figures.unanswered, "oldest_ms": figures.unanswered_ms },
        "trouble": figures.trouble,
        "journal": words::journal(figures.has_journal, figures.is_shared),
        "latency": {
            "waited_for_order": histogram(&figures.waited_for_order),
            "publish_to_socket": histogram(&figures.publish_to_socket),
            "fan_out": histogram(&figures.fan_out),
        },
    })
}

fn amount(amount: &Amount) -> Value {
    json!({ "messages": amount.messages, "bytes": amount.bytes })
}

fn histogram(histogram: &Histogram) -> Value {
    let buckets: Vec<_> = histogram.buckets.iter().map(|(i, count)| json!([buckets::upper(*i), count])).collect();
    let part = |part| buckets::quantile(&histogram.buckets, part);
    json!({
        "count": buckets::count(&histogram.buckets),
        "sum_seconds": histogram.sum,
        "p50": part(0.5),
        "p90": part(0.9),
        "p99": part(0.99),
        "p999": part(0.999),
        "buckets": buckets,
    })
}
