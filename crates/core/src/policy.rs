//! [`Policy`]: the behaviour of a full ring. Each connection has one, set when it subscribes.

/// The behaviour of a connection whose ring is full. The publisher and all other connections never notice.
///
/// One event waits for a connection that takes nothing. Its ring has room for no second one:
///
/// ```
/// use fanfare_core::{Config, Event, Outcome, Policy, Target};
///
/// # use fanfare_core::{ClientId, Form, Heartbeat, Receipt, Start, Wait, engine::{Hub, Subscribe, Turn}};
/// # struct NoSocket;
/// # impl fanfare_core::engine::Socket for NoSocket {
/// #     fn poll_write(&mut self, _: &[std::io::IoSlice<'_>]) -> std::task::Poll<std::io::Result<usize>> { std::task::Poll::Pending }
/// #     fn poll_discard(&mut self) -> std::task::Poll<std::io::Result<usize>> { std::task::Poll::Pending }
/// #     fn shut_write(&mut self) {}
/// # }
/// # fn second(policy: Policy) -> Receipt {
/// #     let (hub, mut shards) = Hub::<NoSocket>::new(Config { ring_messages_max: 1, ..Config::default() }, Box::new(|| 1_000));
/// #     let client = ClientId::new("42").unwrap();
/// #     let (start, heartbeat, form) = (Start::Now, Heartbeat::Comment, Form::Plain);
/// #     let (channels, patterns) = (Vec::new(), Vec::new());
/// #     let subscribe = Subscribe {
/// #         client, channels, patterns, start, policy, heartbeat, form, shard: 0, now_ms: 0,
/// #         expires_ms: None, catching_up: None, held: None,
/// #     };
/// #     let _subscription = hub.subscribe(subscribe).unwrap();
/// #     let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
/// #     let mut publish = || {
/// #         let mut published = Box::pin(hub.publish(Event::new(Target::All, "x"), Wait::Written));
/// #         assert!(published.as_mut().poll(&mut cx).is_pending());
/// #         for _ in 0..10_000 { shards[0].turn(5_000); }
/// #         let std::task::Poll::Ready(receipt) = published.as_mut().poll(&mut cx) else { panic!("not handled") };
/// #         receipt.unwrap()
/// #     };
/// #     publish();
/// #     publish()
/// # }
/// // `second` publishes the two events, and returns the receipt of the second one.
/// let outcome = |policy| second(policy).outcome;
/// let [queued, dropped] = [Outcome { queued: 1, ..Outcome::default() }, Outcome { dropped: 1, ..Outcome::default() }];
/// assert_eq!(outcome(Policy::Repair), Some(queued), "history gives it later");
/// assert_eq!(outcome(Policy::DropOldest), Some(queued), "the first one was dropped");
/// assert_eq!(outcome(Policy::DropNewest), Some(dropped));
/// assert_eq!(outcome(Policy::Close), Some(dropped));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The connection takes the waiting messages, then the missed ones from the history, then goes on live. Events that have
    /// left the history are told in a gap.
    #[default]
    Repair,
    /// New messages are dropped until the connection has taken the waiting ones. A gap says how many.
    DropNewest,
    /// The oldest waiting messages are dropped, and a gap takes their place. A partly written message is never dropped.
    DropOldest,
    /// The connection is closed. The client comes back and resumes.
    Close,
}
