//! [`Handle`]: the engine as the rest of a program reaches it. A program publishes, follows channels, and answers requests of its
//! own server through one.

use std::{error::Error, io, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use fanfare_core::{
    Account, Channel, ChannelAccount, Event, IdempotencyKey, Page, PublishError, ReadLimit, Receipt, Start, Target,
    Wait,
};
use hyper::{Request, Response};

use crate::{
    answer::body::Body,
    app::App,
    connection::lane::Lane,
    events::{Events, Follow, FollowError},
    link::{Carriage, Link, Peer},
    request::inbound::Inbound,
    service::Service,
};

/// Publishes, follows channels, and answers requests that another server has accepted. Cheap to clone.
///
/// A handle does not keep the engine running: [`crate::Fanfare`] does. Without it, publishes are refused and streams have ended.
///
/// ```
/// use fanfare_http::{Channel, Config, Event, Fanfare, Follow, Target, Wait};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let fanfare = Fanfare::start(Config::default())?;
/// let handle = fanfare.handle();
/// let news = Channel::new("news")?;
/// let events = handle.subscribe(Follow::channels([news.clone()])).await?;
///
/// // Any task of the program may have one.
/// let publisher = handle.clone();
/// let publishing = tokio::spawn(async move { publisher.publish(Event::new(Target::Channel(news), "hello"), Wait::Journal).await });
/// assert_eq!(publishing.await??.matched, 1);
/// assert_eq!(handle.connections(), 1);
/// # drop(events);
/// # fanfare.drain().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Handle {
    app: Arc<App>,
    lanes: Arc<[Lane]>,
}

impl Handle {
    pub(crate) fn new(app: Arc<App>, lanes: Arc<[Lane]>) -> Self {
        Self { app, lanes }
    }

    pub(crate) fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Answers any request of the wire contract. The caller's connection carries the streams: hyper polls their bodies, which
    /// end with an error if they have to be cut. Over HTTP/2 hyper does not poll a body while its peer takes nothing. Then only
    /// [`Body::cut`] tells that the stream has to end, and whoever runs the request drops hyper's future of it, or closes the
    /// connection.
    ///
    /// The request may come from any server that is built on `http`'s types, axum's for instance.
    ///
    /// ```
    /// use fanfare_http::{Body, Config, Fanfare};
    /// use hyper::Request;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let fanfare = Fanfare::start(Config::default())?;
    /// let request = Request::post("/channels/news").header("host", "localhost").body(http_body_util::Full::from("hello"))?;
    /// let response = fanfare.handle().answer(request, ([127, 0, 0, 1], 49_152).into()).await;
    /// assert_eq!(response.status(), 202);
    /// # drop(response);
    /// # fanfare.drain().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn answer<B>(&self, request: Request<B>, address: SocketAddr) -> Response<Body>
    where
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (shard, seat) = Lane::seat_in_emptiest(&self.lanes);
        let account = self.app.account(address.ip());
        let link = Arc::new(Link::of_request(account, seat));
        let (shard, carriage) = (u32::try_from(shard).unwrap_or(u32::MAX), Carriage::Program);
        let peer = Peer { address, shard, carriage, is_tls: false, link, named: None };
        let service = Service { app: Arc::clone(&self.app), peer };
        let Ok(response) = service.answer_to(request.map(Inbound::other)).await;
        response
    }

    /// Opens a stream for a receiver in this process. Waits until the events that the journal had at the start are read.
    ///
    /// # Errors
    /// [`FollowError`].
    ///
    /// ```
    /// # use fanfare_http::{Channel, Config, Event, Fanfare, Follow, Target, Told, Wait};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let fanfare = Fanfare::start(Config::default())?;
    /// # let handle = fanfare.handle();
    /// let news = Channel::new("news")?;
    /// let mut events = handle.subscribe(Follow::channels([news.clone()])).await?;
    /// handle.publish(Event::new(Target::Channel(news), "hello"), Wait::Journal).await?;
    /// let Some(Ok(Told::Event(message))) = events.next().await else { panic!("no event") };
    /// assert_eq!(message.fields().data, "hello");
    /// # drop(events);
    /// # fanfare.drain().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn subscribe(&self, follow: Follow) -> Result<Events, FollowError> {
        Events::open(&self.app, &self.lanes, follow).await
    }

    /// Publishes one event.
    ///
    /// # Errors
    /// [`PublishError`]. Nothing was published then, unless the error says so.
    ///
    /// ```
    /// # use fanfare_http::{Channel, Config, Event, Fanfare, Target, Wait};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let fanfare = Fanfare::start(Config::default())?;
    /// # let handle = fanfare.handle();
    /// let event = Event::new(Target::Channel(Channel::new("news")?), "hello").with_kind("headline")?;
    /// let receipt = handle.publish(event, Wait::Written).await?;
    /// assert_eq!(receipt.matched, 0, "nobody follows the channel");
    /// assert_eq!(receipt.outcome.map(|outcome| outcome.written), Some(0));
    /// # fanfare.drain().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn publish(&self, event: Event, wait: Wait) -> Result<Receipt, PublishError> {
        self.app.publish(event, None, wait, None, None).await
    }

    /// Publishes one event, once for each key: the same event again is not published, and gets the first answer. Choose a scope
    /// of the program's own, so that its keys are not taken for keys that come over HTTP.
    ///
    /// # Errors
    /// [`PublishError`]. Nothing was published then, unless the error says so.
    ///
    /// ```
    /// # use fanfare_http::{Channel, Config, Event, Fanfare, IdempotencyKey, PublishError, Target, Wait};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let fanfare = Fanfare::start(Config::default())?;
    /// # let handle = fanfare.handle();
    /// let target = Target::Channel(Channel::new("orders")?);
    /// let key = IdempotencyKey::new("order-42", "my program")?;
    /// let first = handle.publish_once(Event::new(target.clone(), "paid"), &key, Wait::Journal).await?;
    /// let again = handle.publish_once(Event::new(target.clone(), "paid"), &key, Wait::Journal).await?;
    /// assert_eq!((again.id, again.is_repeat), (first.id, true));
    ///
    /// let other = handle.publish_once(Event::new(target, "refunded"), &key, Wait::Journal).await;
    /// assert_eq!(other, Err(PublishError::KeyReused));
    /// # fanfare.drain().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn publish_once(&self, event: Event, key: &IdempotencyKey, wait: Wait) -> Result<Receipt, PublishError> {
        self.app.publish(event, Some(key), wait, None, None).await
    }

    /// Reads the kept events of `channel` from `start` on, at most `limit`. The next page begins at [`Page::next`].
    ///
    /// ```
    /// # use fanfare_http::{Channel, Config, Event, Fanfare, ReadLimit, Start, Target, Wait};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let fanfare = Fanfare::start(Config::default())?;
    /// # let handle = fanfare.handle();
    /// let news = Channel::new("news")?;
    /// for text in ["one", "two", "three"] {
    ///     handle.publish(Event::new(Target::Channel(news.clone()), text), Wait::Journal).await?;
    /// }
    /// let limit = ReadLimit { messages_max: 2, bytes_max: 1 << 20 };
    /// let first = handle.history(&news, &Start::Earliest, limit);
    /// let second = handle.history(&news, &Start::After(first.next), limit);
    /// assert_eq!((first.messages.len(), second.messages.len()), (2, 1));
    /// assert_eq!(second.messages[0].fields().data, "three");
    /// # fanfare.drain().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn history(&self, channel: &Channel, start: &Start, limit: ReadLimit) -> Page {
        self.app.hub.history(channel, start, limit)
    }

    /// Tells what became of the events of each open stream that `target` reaches (a client's, a channel's, all), as of now.
    /// Accounts come with the numbers of the connections. There are none once the server drains.
    ///
    /// ```
    /// # use fanfare_http::{ClientId, Config, Event, Fanfare, Follow, Start, Target, Wait};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let fanfare = Fanfare::start(Config::default())?;
    /// # let handle = fanfare.handle();
    /// let ann = ClientId::new("ann")?;
    /// let follow = Follow { client: Some(ann.clone()), ..Follow::channels([]) };
    /// let events = handle.subscribe(follow).await?;
    /// handle.publish(Event::new(Target::Client(ann.clone()), "hello"), Wait::Written).await?;
    ///
    /// let accounts = handle.accounts_of(&Target::Client(ann)).await;
    /// let [(_connection, account)] = accounts[..] else { panic!("ann has one connection") };
    /// assert_eq!((account.matched, account.queued()), (1, 1), "nobody has taken the event");
    /// # drop(events);
    /// # fanfare.drain().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn accounts_of(&self, target: &Target) -> Vec<(u64, Account)> {
        tokio::select! {
            biased;
            // A shard that has drained answers nobody.
            () = self.app.phases.draining() => Vec::new(),
            accounts = self.app.hub.accounts_of(target) => accounts,
        }
    }

    /// Tells what became of the events of `channel` since somebody has been following it, up to a fraction of a second ago.
    /// `None` if nobody follows the channel.
    ///
    /// ```
    /// # use fanfare_http::{Channel, Config, Fanfare, Follow};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let fanfare = Fanfare::start(Config::default())?;
    /// # let handle = fanfare.handle();
    /// let news = Channel::new("news")?;
    /// assert_eq!(handle.account_of(&news), None);
    /// let events = handle.subscribe(Follow::channels([news.clone()])).await?;
    /// assert_eq!(handle.account_of(&news).map(|account| account.connections), Some(1));
    /// # drop(events);
    /// # fanfare.drain().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn account_of(&self, channel: &Channel) -> Option<ChannelAccount> {
        self.app.hub.registry().channel(channel)
    }

    /// Tells what became of broadcasts to all, up to a fraction of a second ago.
    ///
    /// ```
    /// # use fanfare_http::{Channel, Config, Event, Fanfare, Follow, Target, Wait};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let fanfare = Fanfare::start(Config::default())?;
    /// # let handle = fanfare.handle();
    /// let events = handle.subscribe(Follow::channels([])).await?;
    /// assert_eq!(handle.account_of_all().connections, 1, "every stream gets broadcasts");
    ///
    /// let broadcast = handle.publish(Event::new(Target::All, "hello"), Wait::Journal).await?;
    /// // The figures come within a fraction of a second.
    /// while handle.account_of_all().matched == 0 {
    ///     tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    /// }
    /// assert_eq!(handle.account_of_all().position, broadcast.id);
    /// # drop(events);
    /// # fanfare.drain().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn account_of_all(&self) -> ChannelAccount {
        self.app.hub.registry().all()
    }

    /// Whether all goes well: the events that the journal had at the start are read, no part has failed, and no drain has begun
    /// or been announced. `/readyz` says the same.
    ///
    /// ```
    /// # use fanfare_http::{Config, Fanfare};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let fanfare = Fanfare::start(Config::default())?;
    /// let handle = fanfare.handle();
    /// assert!(handle.is_ready());
    /// assert_eq!((handle.trouble(), handle.failure()), (None, None));
    ///
    /// fanfare.announce_drain();
    /// assert!(!handle.is_ready());
    /// # fanfare.drain().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_ready(&self) -> bool {
        self.app.is_ready()
    }

    /// Whether the server drains, or has said that it will ([`crate::Fanfare::announce_drain`]).
    ///
    /// ```
    /// # use fanfare_http::{Config, Fanfare};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let fanfare = Fanfare::start(Config::default())?;
    /// let handle = fanfare.handle();
    /// assert!(!handle.is_draining());
    /// fanfare.drain().await?;
    /// assert!(handle.is_draining());
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_draining(&self) -> bool {
        self.app.phases.is_leaving()
    }

    /// Waits until the server drains. It has closed its listeners by then. A program that has the same sockets in other descriptors closes
    /// these now: connections would wait there for nobody.
    ///
    /// ```
    /// # use fanfare_http::{Config, Fanfare};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let fanfare = Fanfare::start(Config::default())?;
    /// let handle = fanfare.handle();
    /// let (drained, ()) = tokio::join!(fanfare.drain(), handle.draining());
    /// assert_eq!(drained?.cut, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn draining(&self) {
        self.app.phases.draining().await;
    }

    /// The reason for which the journal takes no events now, if there is one: a disk that is full, or a Redis that cannot be
    /// reached. Publishes are refused meanwhile, and streams go on. The trouble may pass.
    ///
    /// ```
    /// # use fanfare_http::{Config, Fanfare, Journal, core};
    /// # struct FullDisk;
    /// #
    /// # impl Journal for FullDisk {
    /// #     fn restore(&mut self, desk: &dyn core::journal::Desk) -> std::io::Result<()> {
    /// #         desk.restore_past(core::journal::Past::default());
    /// #         desk.set_trouble(Some("no space left on device".to_owned()));
    /// #         Ok(())
    /// #     }
    /// #
    /// #     fn run(self: Box<Self>, desk: &dyn core::journal::Desk) -> std::io::Result<()> {
    /// #         while !desk.is_closed() {
    /// #             std::thread::sleep(std::time::Duration::from_millis(10));
    /// #         }
    /// #         Ok(())
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // The journal is on a disk that is full.
    /// let fanfare = Fanfare::start_behind(Config::default(), Box::new(FullDisk))?;
    /// let handle = fanfare.handle();
    /// assert_eq!(handle.trouble().as_deref(), Some("no space left on device"));
    /// assert_eq!((handle.failure(), handle.is_ready()), (None, true), "streams go on");
    /// # fanfare.drain().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn trouble(&self) -> Option<String> {
        self.app.hub.trouble()
    }

    /// The first failure of a part of the engine, if there is one: the thread of a shard or of the journal has panicked or
    /// ended. A failure does not pass. All that is left to do is to drain.
    ///
    /// [`Handle::failed`] has an example.
    pub fn failure(&self) -> Option<String> {
        self.app.failure().map(str::to_owned)
    }

    /// Waits for [`Handle::failure`]. See [`crate::Fanfare::failed`].
    ///
    /// ```
    /// # use std::io;
    /// # use fanfare_http::{Config, Fanfare, Journal, core};
    /// # struct Broken;
    /// #
    /// # impl Journal for Broken {
    /// #     fn restore(&mut self, desk: &dyn core::journal::Desk) -> io::Result<()> {
    /// #         desk.restore_past(core::journal::Past::default());
    /// #         Ok(())
    /// #     }
    /// #
    /// #     fn run(self: Box<Self>, _: &dyn core::journal::Desk) -> io::Result<()> {
    /// #         Err(io::Error::other("the disk is gone"))
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> io::Result<()> {
    /// // The journal is on a disk that breaks.
    /// let fanfare = Fanfare::start_behind(Config::default(), Box::new(Broken))?;
    /// let handle = fanfare.handle();
    /// assert_eq!(handle.failed().await.to_string(), "the disk is gone");
    /// assert_eq!(handle.failure().as_deref(), Some("the disk is gone"), "it says so from now on");
    /// assert!(fanfare.drain().await.is_err(), "a program that exits with this error is started again");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn failed(&self) -> io::Error {
        self.app.failed().await
    }

    /// How often each rule and each limit has refused somebody, by its name: `invalid-credential`, `not-granted`, `sockets`, `requests`
    /// and others. Limits of callers have a plain name. Those of holders begin with `holder-`. `crowded` counts callers that found no place of their own ([`crate::Config::callers_max`]).
    ///
    /// ```
    /// # use fanfare_http::{Config, Fanfare};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let fanfare = Fanfare::start(Config { publish_key: Some("key".to_owned()), ..Config::default() })?;
    /// let handle = fanfare.handle();
    /// let request = hyper::Request::post("/broadcast").header("host", "localhost").body(http_body_util::Full::from("hello"))?;
    /// let response = handle.answer(request, ([127, 0, 0, 1], 49_152).into()).await;
    /// assert_eq!(response.status(), 401);
    /// assert!(handle.refusals().contains(&("no-credential".to_owned(), 1)));
    /// # drop(response);
    /// # fanfare.drain().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn refusals(&self) -> Vec<(String, u64)> {
        self.app.refused_by_rule()
    }

    /// Number of open streams.
    ///
    /// ```
    /// # use fanfare_http::{Channel, Config, Fanfare, Follow};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let fanfare = Fanfare::start(Config::default())?;
    /// # let handle = fanfare.handle();
    /// let news = Follow::channels([Channel::new("news")?]);
    /// let streams = [handle.subscribe(news.clone()).await?, handle.subscribe(news).await?];
    /// assert_eq!(handle.connections(), streams.len());
    /// # drop(streams);
    /// # fanfare.drain().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn connections(&self) -> usize {
        self.app.hub.registry().connections()
    }
}
