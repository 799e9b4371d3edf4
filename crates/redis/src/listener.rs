//! [`Listener`]: a connection that is subscribed in Pub/Sub, and a bounded queue of its messages.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use redis::{AsyncConnectionConfig, Client, ProtocolVersion, PushInfo, PushKind, Value, aio::MultiplexedConnection};
use tokio::sync::mpsc;

use fanfare_core::NAME_BYTES_MAX;

use crate::{config::Config, link::Link, link_error::LinkError};

/// Bytes of messages that wait until earlier ones are appended. Further messages are missed, and counted.
const QUEUE_BYTES_MAX: usize = 32 << 20;
/// Bytes that a message takes besides its text.
const MESSAGE_BYTES: usize = 128;

/// A message of the subscription.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The node with this name holds the lease from here on; no node if the name is empty.
    Holder(String),
    /// A published message, with the pattern that it matched.
    Message { pattern: Vec<u8>, channel: Vec<u8>, data: Vec<u8> },
}

/// A subscribed connection.
#[derive(Debug)]
pub(crate) struct Listener {
    queue: mpsc::UnboundedReceiver<Heard>,
    queued: Arc<Queued>,
    _connection: MultiplexedConnection,
}

/// Counts of the queue, and of the messages that it had no room for.
#[derive(Debug, Default)]
struct Queued {
    bytes: AtomicUsize,
    missed: AtomicU64,
}

impl Listener {
    /// Subscribes to the patterns of `config`, and to changes of the lease.
    pub(crate) async fn subscribe(link: &Link, config: &Config) -> Result<Self, LinkError> {
        let (sender, queue) = mpsc::unbounded_channel();
        let queued = Arc::<Queued>::default();
        let (said, bytes_max, counts) = (link.said().to_owned(), config.message_bytes_max, Arc::clone(&queued));
        let push = move |push: PushInfo| match heard(push, &said, bytes_max) {
            Some(heard) if counts.admits(&heard) => sender.send(heard),
            _ => Ok(()),
        };
        let settings = link.info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(link.info.clone().set_redis_settings(settings))?;
        let how = AsyncConnectionConfig::new().set_push_sender(push).set_response_timeout(Some(config.timeout));
        let mut connection = client.get_multiplexed_async_connection_with_config(&how).await?;
        connection.subscribe(link.said()).await?;
        for pattern in &config.subscribe {
            connection.psubscribe(Self::glob(pattern.as_str())).await?;
        }
        Ok(Self { queue, queued, _connection: connection })
    }

    /// Waits for messages, and takes at most `count_max`. Returns 0 if the connection is gone.
    pub(crate) async fn receive(&mut self, heard: &mut Vec<Heard>, count_max: usize) -> usize {
        let count = self.queue.recv_many(heard, count_max).await;
        let bytes = heard.iter().map(Heard::bytes).sum();
        // Relaxed, as all of these: they only count.
        self.queued.bytes.fetch_sub(bytes, Ordering::Relaxed);
        count
    }

    /// Number of messages that were missed since the last call.
    pub(crate) fn take_missed(&self) -> u64 {
        self.queued.missed.swap(0, Ordering::Relaxed)
    }

    /// The pattern in the language of Redis, where more characters than the star have a meaning.
    pub(crate) fn glob(pattern: &str) -> String {
        let mut glob = String::with_capacity(pattern.len());
        for character in pattern.chars() {
            if matches!(character, '?' | '[' | ']' | '\\' | '^') {
                glob.push('\\');
            }
            glob.push(character);
        }
        glob
    }
}

impl Queued {
    fn admits(&self, heard: &Heard) -> bool {
        let bytes = heard.bytes();
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let is_admitted = matches!(heard, Heard::Holder(_)) || before + bytes <= QUEUE_BYTES_MAX;
        if !is_admitted {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
        is_admitted
    }
}

impl Heard {
    fn bytes(&self) -> usize {
        match self {
            Self::Holder(node) => MESSAGE_BYTES + node.len(),
            Self::Message { pattern, channel, data } => MESSAGE_BYTES + pattern.len() + channel.len() + data.len(),
        }
    }
}

/// Cuts a text to one byte more than is allowed, which shows that it is too long.
fn cut(mut text: Vec<u8>, bytes_max: usize) -> Vec<u8> {
    text.truncate(bytes_max.saturating_add(1));
    text.shrink_to_fit();
    text
}

/// Decodes a push. None if it is of no interest.
fn heard(push: PushInfo, said: &str, bytes_max: usize) -> Option<Heard> {
    let mut parts = push.data.into_iter().filter_map(|part| match part {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    });
    match push.kind {
        PushKind::Message => {
            let node = parts.next().filter(|channel| channel == said.as_bytes()).and_then(|_| parts.next())?;
            // The name of a node is far shorter.
            Some(Heard::Holder(String::from_utf8_lossy(&cut(node, NAME_BYTES_MAX)).into_owned()))
        }
        PushKind::PMessage => {
            let (pattern, channel, data) = (parts.next()?, parts.next()?, parts.next()?);
            let channel = cut(channel, NAME_BYTES_MAX);
            let is_event = !is_internal(&channel);
            is_event.then(|| Heard::Message { pattern, channel, data: cut(data, bytes_max) })
        }
        _ => None,
    }
}

/// Whether servers, sentinels and nodes of any hub use this channel among themselves. Such a message is no event:
/// appending one may cause another.
fn is_internal(channel: &[u8]) -> bool {
    let is_lease = channel.starts_with(b"{") && channel.windows(14).any(|part| part == b"}:lease-taken:");
    is_lease
        || channel.starts_with(b"__key")
        || channel.starts_with(b"__sentinel__:")
        || channel.starts_with(b"__redis__:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_star_means_more_than_itself() {
        assert_eq!(Listener::glob("news.*"), "news.*");
        assert_eq!(Listener::glob(r"a?[b]\c^"), r"a\?\[b\]\\c\^");
    }

    #[test]
    fn what_is_said_among_themselves_is_no_event() {
        for channel in
            ["{fanfare}:lease-taken:0", "{other:hub}:lease-taken:15", "__keyspace@0__:x", "__sentinel__:hello"]
        {
            assert!(is_internal(channel.as_bytes()), "{channel}");
        }
        for channel in ["news", "{a}", "lease-taken:0", "_keys"] {
            assert!(!is_internal(channel.as_bytes()), "{channel}");
        }
    }

    #[test]
    fn of_what_is_too_long_no_more_is_kept_than_shows_that_it_is() {
        let text = |bytes| Value::BulkString(vec![b'x'; bytes]);
        let push = |kind, data| PushInfo { kind, data };
        for (bytes, kept) in [(10, 10), (11, 11), (1 << 20, 11)] {
            let message = heard(push(PushKind::PMessage, vec![text(1), text(1), text(bytes)]), "said", 10);
            let Some(Heard::Message { data, .. }) = message else { panic!("{message:?}") };
            assert_eq!((data.len(), data.capacity()), (kept, kept));
        }
        for (bytes, kept) in [(256, 256), (257, 257), (1 << 20, 257)] {
            let message = heard(push(PushKind::PMessage, vec![text(1), text(bytes), text(1)]), "said", 10);
            let Some(Heard::Message { channel, .. }) = message else { panic!("{message:?}") };
            assert_eq!((channel.len(), channel.capacity()), (kept, kept));
            let said = Value::BulkString(b"said".to_vec());
            let holder = heard(push(PushKind::Message, vec![said, text(bytes)]), "said", 10);
            assert!(matches!(&holder, Some(Heard::Holder(node)) if node.len() == kept), "{holder:?}");
        }
    }

    #[test]
    fn what_waits_is_bounded_in_bytes_and_the_rest_is_counted() {
        let queued = Queued::default();
        let message = |bytes| Heard::Message { pattern: Vec::new(), channel: Vec::new(), data: vec![0; bytes] };
        assert!(queued.admits(&message(QUEUE_BYTES_MAX - 2 * MESSAGE_BYTES)));
        assert!(queued.admits(&message(0)) && !queued.admits(&message(0)));
        assert!(queued.admits(&Heard::Holder("n".to_owned())), "who holds the lease has to be known");
        assert_eq!(queued.missed.load(Ordering::Relaxed), 1);
    }
}
