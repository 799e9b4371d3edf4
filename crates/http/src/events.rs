//! [`Events`]: the events of an open stream, for a receiver in this process, without HTTP.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use fanfare_core::{
    Channel, ClientId, Form, Gap, Heartbeat, Pattern, Start, Target, Told,
    engine::{Cut, Feed, Life, Subscribe, SubscribeError, Subscription},
};
use futures_core::Stream;
use thiserror::Error;
use tracing::info;

use crate::{
    app::{App, made_up_client, names},
    connection::lane::Lane,
    figures::streams::Transport,
    limits::seat::Seat,
    link::socket::ClientSocket,
};

/// The events that a receiver wants: broadcasts to all, events for `client`, events of `channels`, and of those that `patterns` match.
///
/// ```
/// use fanfare_http::{Channel, ClientId, Follow, Pattern, Start};
///
/// # fn main() -> Result<(), fanfare_http::core::NameError> {
/// let orders = Channel::new("orders")?;
/// let from_now_on = Follow::channels([orders.clone()]);
/// assert_eq!((from_now_on.client, from_now_on.start), (None, Start::Now));
///
/// let ann = ClientId::new("ann")?;
/// let everything_kept = Follow {
///     client: Some(ann),
///     channels: vec![orders],
///     patterns: vec![Pattern::new("news.*")?],
///     start: Start::Earliest,
/// };
/// assert_eq!(everything_kept.channels.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Follow {
    /// The client that the receiver is. Without one it gets a name that nobody else has.
    pub client: Option<ClientId>,
    /// Followed channels, at most [`crate::Config::channels_max`].
    pub channels: Vec<Channel>,
    /// Followed patterns. They count for that limit too.
    pub patterns: Vec<Pattern>,
    /// The place among the kept events where the stream begins.
    pub start: Start,
}

impl Follow {
    /// Follows these channels and broadcasts to all, from now on.
    ///
    /// ```
    /// use fanfare_http::{Channel, ClientId, Follow, Start};
    ///
    /// # fn main() -> Result<(), fanfare_http::core::NameError> {
    /// let follow = Follow::channels([Channel::new("news")?, Channel::new("weather")?]);
    /// let kept_too = Follow { client: Some(ClientId::new("ann")?), start: Start::Earliest, ..follow };
    /// assert_eq!(kept_too.channels.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn channels(channels: impl IntoIterator<Item = Channel>) -> Self {
        Self { client: None, channels: channels.into_iter().collect(), patterns: Vec::new(), start: Start::Now }
    }
}

/// The reason for which there is no stream.
///
/// ```
/// use fanfare_http::{Channel, Config, Fanfare, Follow, FollowError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let fanfare = Fanfare::start(Config { channels_max: 1, ..Config::default() })?;
/// let handle = fanfare.handle();
/// let two = Follow::channels([Channel::new("news")?, Channel::new("weather")?]);
/// assert_eq!(handle.subscribe(two).await.err(), Some(FollowError::TooManyChannels { max: 1 }));
///
/// fanfare.drain().await?;
/// assert_eq!(handle.subscribe(Follow::channels([])).await.err(), Some(FollowError::Draining));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FollowError {
    /// As many streams are open as may be.
    #[error(transparent)]
    Full(#[from] SubscribeError),
    /// The receiver follows more channels than a connection may.
    #[error("a receiver follows at most {max} channels")]
    TooManyChannels {
        /// [`crate::Config::channels_max`].
        max: usize,
    },
    /// The server is at its end.
    #[error("the server is draining")]
    Draining,
}

/// The events of one receiver, in order. A receiver that is too slow is treated as any other stream: by
/// [`crate::Config::policy`], which by default gives it the missed events from history. A receiver that takes nothing for
/// [`fanfare_core::Config::write_timeout_ms`] while events wait for it is cut. Drop the events to leave.
///
/// The events end when the server drains, after all that were accepted. The drain waits until a receiver has taken them, at most
/// for [`crate::Config::drain_timeout`].
///
/// ```
/// # use fanfare_http::{Channel, Config, Event, Fanfare, Follow, Target, Told, Wait};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let fanfare = Fanfare::start(Config::default())?;
/// # let handle = fanfare.handle();
/// let mut events = handle.subscribe(Follow::channels([Channel::new("news")?])).await?;
/// handle.publish(Event::new(Target::All, "hello"), Wait::Journal).await?;
/// let draining = tokio::spawn(fanfare.drain());
///
/// let mut taken = Vec::new();
/// while let Some(told) = events.next().await {
///     match told? {
///         Told::Event(message) => taken.push(message.fields().data),
///         Told::Gaps(gaps) => panic!("events are missing: {gaps:?}"),
///     }
/// }
/// assert_eq!(taken, ["hello"]);
/// draining.await??;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Events {
    /// The stream and its seat. Given up at the end, so that a drain does not wait for whoever keeps the events.
    stream: Option<(Feed<ClientSocket>, Option<Seat>)>,
    /// The gap that comes before the first event.
    gap: Option<Gap>,
}

impl Events {
    /// Waits until the journal is read, or the server drains.
    pub(crate) async fn open(app: &Arc<App>, lanes: &[Lane], follow: Follow) -> Result<Self, FollowError> {
        let Follow { client, channels, patterns, start } = follow;
        let max = app.config().channels_max;
        if channels.len() + patterns.len() > max {
            return Err(FollowError::TooManyChannels { max });
        }
        let client = client.unwrap_or_else(made_up_client);
        let begins = async {
            app.hub.ready().await;
            let followed = channels.iter().cloned().map(Target::Channel);
            let targets: Vec<_> = [Target::All, Target::Client(client.clone())].into_iter().chain(followed).collect();
            if app.hub.may_be_ahead(&start, &targets, &patterns) {
                app.hub.caught_up().await;
            }
        };
        tokio::select! {
            biased;
            () = app.phases.draining() => return Err(FollowError::Draining),
            () = begins => {}
        }
        let (shard, seat) = Lane::seat_in_emptiest(lanes);
        let named = channels.iter().map(Channel::as_str).chain(patterns.iter().map(Pattern::as_str));
        let named = names(&named.collect::<Vec<_>>());
        let subscription = app.hub.subscribe(Subscribe {
            client: client.clone(),
            channels,
            patterns,
            start,
            policy: app.config().policy,
            heartbeat: Heartbeat::Comment,
            form: Form::Plain,
            shard,
            expires_ms: None,
            catching_up: None,
            held: Some(app.streams.enter(Transport::Program, None, None, None)),
            now_ms: app.now_ms(),
        })?;
        let connection = subscription.connection();
        if let Some(left_out) = app.opened.admit(app.now_ms()) {
            let left_out = (left_out > 0).then_some(left_out);
            info!(connection, client = client.as_str(), channels = %named, peer = "this process", left_out, "open");
        }
        Ok(Self::of(subscription, seat))
    }

    fn of(subscription: Subscription<ClientSocket>, seat: Option<Seat>) -> Self {
        let gap = subscription.gap().copied();
        // Nobody polls the life: the receiver polls its events.
        Self { stream: Some((subscription.into_feed(Life::default()), seat)), gap }
    }

    /// The next event, or the events that are lost before it. `None` at the end. The future may be dropped and made again: nothing
    /// is lost.
    ///
    /// # Errors
    /// [`Cut`]: the receiver took nothing for too long, or the server ended before the receiver had taken all. Nothing comes
    /// after it.
    ///
    /// ```
    /// # use fanfare_http::{Channel, Config, Event, EventId, Fanfare, Follow, Start, Target, Told, Wait};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let fanfare = Fanfare::start(Config::default())?;
    /// # let handle = fanfare.handle();
    /// let unknown = Follow { start: Start::After(EventId::new(u64::MAX, 0)), ..Follow::channels([]) };
    /// let mut events = handle.subscribe(unknown).await?;
    /// handle.publish(Event::new(Target::All, "hello"), Wait::Journal).await?;
    ///
    /// let mut told = Vec::new();
    /// while told.len() < 2 && let Some(next) = events.next().await {
    ///     told.push(match next? {
    ///         Told::Gaps(gaps) => gaps.iter().map(|gap| gap.reason.as_str()).collect(),
    ///         Told::Event(message) => message.fields().data,
    ///     });
    /// }
    /// assert_eq!(told, ["unknown-id", "hello"], "a gap comes before what is newer");
    /// # drop(events);
    /// # fanfare.drain().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next(&mut self) -> Option<Result<Told, Cut>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for Events {
    type Item = Result<Told, Cut>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let events = self.get_mut();
        if let Some(gap) = events.gap.take() {
            return Poll::Ready(Some(Ok(Told::Gaps(vec![gap]))));
        }
        let Some((feed, _)) = &mut events.stream else { return Poll::Ready(None) };
        let told = ready!(feed.poll_told(cx));
        if !matches!(told, Some(Ok(_))) {
            events.stream = None;
        }
        Poll::Ready(told)
    }
}
