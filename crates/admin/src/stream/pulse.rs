//! [`Pulse`]: one look at the server each second, shared by all dashboards. While nobody looks, nothing is looked at.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use fanfare_http::{ConnectionQuery, ConnectionSort, Figures};
use serde_json::json;
use tokio::{
    sync::{Notify, watch},
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    api::{channels, connections, figures::figures, rates::rates},
    console::Console,
    operate::Operate,
    stream::event,
};

/// The time from beat to beat.
const BEAT: Duration = Duration::from_secs(1);
/// Tables come with each second beat: they cost more than figures, and nobody reads twenty lines in a second.
const BEATS_OF_TABLES: u64 = 2;
/// Lines of a table.
const ROWS_MAX: usize = 20;
/// The shards have this time to list their connections. Without an answer the table stays as it is.
const TABLE_TIMEOUT: Duration = Duration::from_secs(2);

/// What all dashboards are sent, newest only: one that is slow misses some.
#[derive(Debug)]
pub(crate) struct Pulse {
    beats: watch::Sender<Bytes>,
    wanted: Notify,
}

impl Pulse {
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Self { beats: watch::Sender::new(Bytes::new()), wanted: Notify::new() })
    }

    /// The beats from the next one on.
    pub(crate) fn follow(&self) -> watch::Receiver<Bytes> {
        let beats = self.beats.subscribe();
        self.wanted.notify_one();
        beats
    }

    /// Beats for ever, while somebody follows.
    pub(crate) async fn run<O: Operate, C>(self: Rc<Self>, console: Rc<Console<O, C>>) {
        loop {
            while self.beats.is_closed() {
                self.wanted.notified().await;
            }
            self.beat_while_followed(&console).await;
        }
    }

    async fn beat_while_followed<O: Operate, C>(&self, console: &Console<O, C>) {
        let mut ticks = interval(BEAT);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut before, mut number): (Option<(Figures, Instant)>, u64) = (None, 0);
        while !self.beats.is_closed() {
            ticks.tick().await;
            let now = (console.operator.figures(), Instant::now());
            let mut beat = BytesMut::from(&shown(console, before.as_ref(), &now)[..]);
            if number.is_multiple_of(BEATS_OF_TABLES) {
                beat.extend(tables(console).await);
            }
            self.beats.send_replace(beat.freeze());
            (before, number) = (Some(now), number + 1);
        }
    }
}

/// The event `figures`.
fn shown<O: Operate, C>(
    console: &Console<O, C>,
    before: Option<&(Figures, Instant)>,
    (now, at): &(Figures, Instant),
) -> Bytes {
    let state = console.state();
    let rates = before.map(|(before, then)| rates(before, now, at.duration_since(*then)));
    let data = json!({
        "figures": figures(now, console.admin.journal),
        "rates": rates,
        "ready": state.is_ready,
        "draining": state.is_draining,
        "failure": state.failure,
    });
    event("figures", &data)
}

/// The events `channels` and `connections`.
async fn tables<O: Operate, C>(console: &Console<O, C>) -> Vec<u8> {
    let busiest = console.operator.busiest_channels(ROWS_MAX);
    let rows: Vec<_> = busiest.iter().map(|(channel, account)| channels::figures(channel, account)).collect();
    let mut tables = event("channels", &json!({ "channels": rows })).to_vec();

    let query = ConnectionQuery { sort: ConnectionSort::Lag, limit: ROWS_MAX, ..ConnectionQuery::default() };
    let asked = timeout(TABLE_TIMEOUT, async {
        let _question = console.question().await;
        console.operator.connections(query).await
    });
    if let Ok(slowest) = asked.await {
        let rows: Vec<_> = slowest.iter().map(connections::shown).collect();
        tables.extend(event("connections", &json!({ "connections": rows })));
    }
    tables
}
