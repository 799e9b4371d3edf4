//! [`Operator`]: the operator's side of a server.

use std::{
    fmt, io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use fanfare_core::{Channel, ChannelAccount, ClientId, PublishError, Retentions, engine::Whose};

use crate::{app::App, config::Config, handle::Handle};

/// The operator's side of a server: figures, lists, the fate of an event, and the end of streams. Cheap to clone.
///
/// ```
/// use fanfare_http::{Channel, ClientId, Config, ConnectionQuery, Event, Fanfare, Follow, Target, Verdict, Wait, Whose};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let fanfare = Fanfare::start(Config::default())?;
/// let (handle, operator) = (fanfare.handle(), fanfare.handle().operator());
/// let (ann, news) = (ClientId::new("ann")?, Channel::new("news")?);
/// let mut events = handle.subscribe(Follow { client: Some(ann.clone()), ..Follow::channels([news.clone()]) }).await?;
/// let receipt = handle.publish(Event::new(Target::Channel(news), "hello"), Wait::Written).await?;
/// events.next().await.ok_or("no event")??;
///
/// let listed = operator.connections(ConnectionQuery { client: Some(ann.clone()), ..ConnectionQuery::default() }).await;
/// assert_eq!(listed[0].account.written, 1);
/// assert!(matches!(operator.explain(receipt.id, &ann).await.verdict, Verdict::Written { .. }));
/// assert_eq!(operator.figures().deliveries.written, 1);
///
/// assert_eq!(operator.disconnect(Whose::Client(ann)).await, 1);
/// assert!(events.next().await.is_none(), "the stream has ended in good order");
/// # fanfare.drain().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Operator {
    pub(super) app: Arc<App>,
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operator").finish_non_exhaustive()
    }
}

impl Handle {
    /// The operator's side of the server.
    ///
    /// [`Operator`] has an example.
    pub fn operator(&self) -> Operator {
        Operator { app: Arc::clone(self.app()) }
    }
}

impl Operator {
    /// The first channels behind `after` that somebody follows by name, at most `limit`.
    pub fn channels(&self, after: Option<&Channel>, limit: usize) -> Vec<(Channel, ChannelAccount)> {
        self.app.hub.registry().channels(after, limit)
    }

    /// The channels with the most connections, most first, at most `limit`.
    pub fn busiest_channels(&self, limit: usize) -> Vec<(Channel, ChannelAccount)> {
        self.app.hub.registry().busiest_channels(limit)
    }

    /// The figures of a channel if somebody follows it by name, the number of its kept events, and their bytes.
    pub fn channel(&self, channel: &Channel) -> (Option<ChannelAccount>, usize, usize) {
        let (events, bytes) = self.app.hub.kept_of(channel);
        (self.app.hub.registry().channel(channel), events, bytes)
    }

    /// The first clients behind `after` that are connected, with the number of their connections, at most `limit`.
    pub fn clients(&self, after: Option<&ClientId>, limit: usize) -> Vec<(ClientId, usize)> {
        self.app.hub.registry().clients(after, limit)
    }

    /// Has streams end in good order, within about a second: what waits still goes out, then a `retry:` line for a time from 1 s to
    /// 1 s + [`drain_spread_ms`](fanfare_core::Config::drain_spread_ms). Returns how many. A stream that takes nothing ends by the
    /// write timeout.
    ///
    /// [`Operator`] has an example.
    pub async fn disconnect(&self, whose: Whose) -> usize {
        self.app.hub.disconnect(&whose).await
    }

    /// Throws the kept events of a channel away, and returns how many there were. Streams that come back for them are told a gap. With a
    /// journal they are away after a restart too, and on every node that shares it.
    ///
    /// # Errors
    /// [`PublishError`]: nothing was thrown away, except that [`PublishError::Unknown`] leaves it open.
    pub async fn purge(&self, channel: &Channel) -> Result<usize, PublishError> {
        self.app.hub.purge(channel.clone()).await
    }

    /// Sets other limits of the history. Events beyond them go within a few seconds, and those that come back for them are told a gap.
    pub fn set_retentions(&self, retentions: Retentions) {
        self.app.hub.set_retentions(retentions);
    }

    /// Sets what a running server can take of other settings. Requests from now on have it, and what is open stays open. [`Config`] says what
    /// stays as it was at the start.
    ///
    /// # Errors
    /// Nothing could be served with a setting. Nothing has changed.
    ///
    /// ```
    /// use fanfare_http::{Channel, Config, Fanfare, Follow, FollowError};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let fanfare = Fanfare::start(Config::default())?;
    /// let (handle, operator) = (fanfare.handle(), fanfare.handle().operator());
    /// operator.set_config(Config { channels_max: 1, ..Config::default() })?;
    ///
    /// let names = [Channel::new("a")?, Channel::new("b")?];
    /// assert!(matches!(handle.subscribe(Follow::channels(names)).await, Err(FollowError::TooManyChannels { max: 1 })));
    /// assert!(operator.set_config(Config { retry_ms: 2..=1, ..Config::default() }).is_err());
    /// # fanfare.drain().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_config(&self, config: Config) -> io::Result<()> {
        config.check()?;
        self.app.set_config(config);
        Ok(())
    }

    /// The time of the wall clock for a time of the shards' clock.
    pub(super) fn wall(&self, ms: u64) -> SystemTime {
        let (now, now_ms) = (SystemTime::now(), self.app.now_ms());
        let apart = Duration::from_millis(ms.abs_diff(now_ms));
        let wall = if ms > now_ms { now.checked_add(apart) } else { now.checked_sub(apart) };
        wall.unwrap_or(now)
    }
}
