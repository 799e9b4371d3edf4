//! [`Events`]: what an open stream would get, for a receiver in this process, without HTTP.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use fanfare_core::{
    Channel, ClientId, Cut, Feed, Form, Full, Gap, Heartbeat, Start, Subscribe, Subscription, Target, Told,
};
use futures_core::Stream;
use thiserror::Error;
use tracing::info;

use crate::{
    app::{App, made_up_client, names},
    lane::{Lane, Place},
    tcp::Tcp,
};

/// What a receiver wants: broadcasts to all, what is for `client`, and `channels`.
#[derive(Clone, Debug)]
pub struct Follow {
    /// Whose events it gets; without one it gets a name that nobody else has.
    pub client: Option<ClientId>,
    /// What it follows: at most [`crate::Config::channels_max`].
    pub channels: Vec<Channel>,
    /// Where it begins.
    pub start: Start,
}

impl Follow {
    /// These channels and what is for all, from now on.
    pub fn channels(channels: impl IntoIterator<Item = Channel>) -> Self {
        Self { client: None, channels: channels.into_iter().collect(), start: Start::Now }
    }
}

/// Why there is no stream.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FollowError {
    /// As many streams are open as may be.
    #[error(transparent)]
    Full(#[from] Full),
    /// It follows more channels than a connection may.
    #[error("a receiver follows at most {max} channels")]
    TooManyChannels {
        /// [`crate::Config::channels_max`].
        max: usize,
    },
    /// The server is at its end.
    #[error("the server is draining")]
    Draining,
}

/// The events of one receiver, in order. It gets what it is too slow for as any other stream does: by
/// [`crate::Config::policy`], from history by default; and a receiver that takes nothing for
/// [`fanfare_core::Config::write_timeout_ms`] while something waits for it is cut. Dropping it is leaving.
///
/// It ends when the server drains, after all that was accepted.
#[derive(Debug)]
pub struct Events {
    feed: Feed<Tcp>,
    /// What it has to be told first.
    gap: Option<Gap>,
    is_over: bool,
    _place: Option<Place>,
}

impl Events {
    /// Waits until the journal is read, or the server drains.
    pub(crate) async fn open(app: &Arc<App>, lanes: &[Lane], follow: Follow) -> Result<Self, FollowError> {
        let Follow { client, channels, start } = follow;
        let max = app.config.channels_max;
        if channels.len() > max {
            return Err(FollowError::TooManyChannels { max });
        }
        let client = client.unwrap_or_else(made_up_client);
        let begins = async {
            app.hub.ready().await;
            let followed = channels.iter().cloned().map(Target::Channel);
            let targets: Vec<_> = [Target::All, Target::Client(client.clone())].into_iter().chain(followed).collect();
            if app.hub.is_shared() && app.hub.may_be_ahead(&start, &targets) {
                app.hub.caught_up().await;
            }
        };
        tokio::select! {
            biased;
            () = app.draining.stopped() => return Err(FollowError::Draining),
            () = begins => {}
        }
        let (shard, place) = Lane::emptiest(lanes).map_or((0, None), |(at, lane)| (at, Some(lane.place(None))));
        let named = names(&channels);
        let subscription = app.hub.subscribe(Subscribe {
            client: client.clone(),
            channels,
            start,
            policy: app.config.policy,
            heartbeat: Heartbeat::Comment,
            form: Form::Plain,
            shard,
            now_ms: app.now_ms(),
        })?;
        let connection = subscription.connection();
        info!(connection, client = client.as_str(), channels = %named, peer = "this process", "open");
        Ok(Self::of(subscription, place))
    }

    fn of(subscription: Subscription<Tcp>, place: Option<Place>) -> Self {
        let gap = subscription.gap().copied();
        Self { feed: subscription.into_feed(), gap, is_over: false, _place: place }
    }

    /// The next event, or what is lost before it; `None` at the end. It may be dropped and called again: nothing is lost.
    ///
    /// # Errors
    /// [`Cut`]: it took nothing for too long, or the server ended before it had taken all; it is the last that comes.
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
        if events.is_over {
            return Poll::Ready(None);
        }
        let told = ready!(events.feed.poll_told(cx));
        events.is_over = !matches!(told, Some(Ok(_)));
        Poll::Ready(told)
    }
}
