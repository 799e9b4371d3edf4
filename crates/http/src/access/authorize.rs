//! [`Authorize`]: an application that decides who may do what, where no key, token or public pattern has decided.

use std::{
    fmt::{self, Debug},
    net::IpAddr,
    pin::Pin,
};

use fanfare_grants::Grant;
use hyper::{HeaderMap, Method};

/// What a request wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// Open an event stream.
    Subscribe,
    /// Read a page of history.
    History,
    /// Publish: one event, or a batch whose targets are not known yet.
    Publish,
}

impl Act {
    /// The act as a word: `subscribe`, `history` or `publish`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Subscribe => "subscribe",
            Self::History => "history",
            Self::Publish => "publish",
        }
    }
}

/// A question to the application about one request.
#[derive(Clone)]
pub struct Question {
    /// What the request wants to do.
    pub act: Act,
    /// The method of the request, as in `GET`.
    pub method: Method,
    /// Channels and patterns that the request names, at most [`crate::Config::channels_max`].
    pub channels: Vec<String>,
    /// The client id that the request names: of the stream, or of the client that is published to.
    pub client: Option<String>,
    /// The event is for all.
    pub all: bool,
    /// The address of the client.
    pub address: IpAddr,
    /// The headers of the request, credentials among them.
    pub headers: HeaderMap,
    /// The token in the query or the cookie, if one was shown there.
    pub token: Option<Vec<u8>>,
}

impl Question {
    /// Whether it is about a batch, whose lines have not come. Only a grant says what a batch may publish.
    pub fn is_batch(&self) -> bool {
        self.act == Act::Publish && self.channels.is_empty() && self.client.is_none() && !self.all
    }
}

/// Without the headers and the token, which are secrets.
impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { act, method, channels, client, all, address, .. } = self;
        let mut shown = f.debug_struct("Question");
        shown.field("act", act).field("method", method).field("channels", channels).field("client", client);
        shown.field("all", all).field("address", address).finish_non_exhaustive()
    }
}

/// The answer of an application.
#[derive(Clone, Debug)]
pub enum Decision {
    /// The request may do what it asks for, and nothing else. A stream has no end for it. A batch asks for nothing yet, so it is
    /// denied: it needs a grant.
    Allow,
    /// The request may not. The reason is for the log.
    Deny(String),
    /// The request has the rights of this grant, which may be more or less than it asks for.
    Grant(Box<Grant>),
    /// The application cannot be asked now, for this reason. The client is told to come back later.
    Failed(String),
}

/// An application that decides. It is asked once for each stream and each page of history that nothing else has decided, and for
/// each publish if [`crate::Access::asks_to_publish`] says so.
///
/// The answer may take its time: the request waits, and nothing else. Whoever answers has to bound that time, and the number of
/// questions under way.
///
/// ```
/// use std::pin::Pin;
///
/// use fanfare_http::{Access, Authorize, Config, Decision, Gate, Question};
///
/// /// Everybody may follow the channels that begin with the own address.
/// #[derive(Debug)]
/// struct ByAddress;
///
/// impl Authorize for ByAddress {
///     fn decide(&self, question: Question) -> Pin<Box<dyn Future<Output = Decision> + Send>> {
///         let Question { channels, client, all, address, .. } = question;
///         let is_own = |channel: &String| channel.starts_with(&address.to_string());
///         // An id is for messages of its own, and no channel at all is for what is for all.
///         let is_more = client.is_some() || all || channels.is_empty();
///         let decision = match !is_more && channels.iter().all(is_own) {
///             true => Decision::Allow,
///             false => Decision::Deny("not the channel of this address".to_owned()),
///         };
///         Box::pin(std::future::ready(decision))
///     }
/// }
///
/// let access = Access { application: Some(std::sync::Arc::new(ByAddress)), ..Access::default() };
/// let config = Config { gate: Gate::new(access), ..Config::default() };
/// # let _ = config;
/// ```
pub trait Authorize: Debug + Send + Sync {
    /// Decides about one request.
    fn decide(&self, question: Question) -> Pin<Box<dyn Future<Output = Decision> + Send>>;
}
