//! [`Envelopes`]: the events of a pass for connections that asked for [`crate::Form::Envelope`].
//!
//! An `EventSource` shows a page the type, the id and the data of an event and no other field. So the target of an event has to
//! stand in one of the three, and only the data can hold any name.

use std::fmt::Write as _;

use crate::{
    event::{draft::Draft, message::Message, target::Target},
    queue::subscriber::Subscriber,
};

/// The envelopes that one pass has made: each event once for each of its targets, however many connections get it.
#[derive(Debug, Default)]
pub(crate) struct Envelopes {
    /// Target and envelope, by the number of the message in its pass.
    made: Vec<Vec<(usize, Message)>>,
    /// Kept from slot to slot for its memory.
    view: Vec<Message>,
}

impl Envelopes {
    /// The messages of the pass up to the last in `due`, with those in `due` in the envelopes of `subscriber`. The caller gives the
    /// view back.
    pub(crate) fn view(&mut self, messages: &[Message], due: u64, subscriber: &Subscriber) -> Vec<Message> {
        let mut view = std::mem::take(&mut self.view);
        self.made.resize_with(messages.len().max(self.made.len()), Vec::new);
        let last = (u64::BITS - due.leading_zeros()) as usize;
        for (bit, (message, made)) in messages.iter().zip(&mut self.made).take(last).enumerate() {
            let is_due = due >> bit & 1 == 1;
            view.push(if is_due { once(made, message, subscriber) } else { message.clone() });
        }
        view
    }

    /// Takes a view back.
    pub(crate) fn give_back(&mut self, mut view: Vec<Message>) {
        view.clear();
        self.view = view;
    }

    /// The pass is over.
    pub(crate) fn clear(&mut self) {
        self.made.iter_mut().for_each(Vec::clear);
    }
}

/// The envelope that `subscriber` gets. It is made unless another connection got the same.
fn once(made: &mut Vec<(usize, Message)>, message: &Message, subscriber: &Subscriber) -> Message {
    let target = target_for(message, subscriber);
    if let Some((_, envelope)) = made.iter().find(|(made_for, _)| *made_for == target) {
        return envelope.clone();
    }
    let envelope = put(message, target);
    made.push((target, envelope.clone()));
    envelope
}

/// `message` in the envelope that `subscriber` gets.
pub(crate) fn envelope(message: &Message, subscriber: &Subscriber) -> Message {
    put(message, target_for(message, subscriber))
}

/// The number of the target that has brought `message` to `subscriber`. The client may not learn of any other.
fn target_for(message: &Message, subscriber: &Subscriber) -> usize {
    let is_followed = |target: &Target| match target {
        Target::All => true,
        Target::Channel(channel) => {
            // They are in order.
            let is_named = subscriber.channels.binary_search(channel).is_ok();
            is_named || subscriber.patterns.iter().any(|pattern| pattern.matches(channel.as_str()))
        }
        Target::Client(client) => *client == subscriber.client,
    };
    match message.targets() {
        [_] => 0,
        targets => targets.iter().position(is_followed).unwrap_or_default(),
    }
}

/// `message` in an envelope that names the target of this number. A control line has no target, and stays as it is.
fn put(message: &Message, target: usize) -> Message {
    let Some(target) = message.targets().get(target) else { return message.clone() };
    let fields = message.fields();
    let mut json = String::with_capacity(fields.data.len() + fields.data.len() / 8 + 64);
    json.push('{');
    match target {
        Target::All => json.push_str("\"all\":true"),
        Target::Channel(channel) => push_member(&mut json, "channel", channel.as_str()),
        Target::Client(client) => push_member(&mut json, "client", client.as_str()),
    }
    if let Some(kind) = fields.kind {
        json.push(',');
        push_member(&mut json, "event", kind);
    }
    json.push(',');
    push_member(&mut json, "data", &fields.data);
    json.push('}');
    Draft::with_data(message, json).finish(message.id())
}

fn push_member(json: &mut String, name: &str, value: &str) {
    json.push('"');
    json.push_str(name);
    json.push_str("\":\"");
    push_escaped(json, value);
    json.push('"');
}

/// The text of a JSON string (RFC 8259 7): quotation marks, backslashes and control characters are escaped.
fn push_escaped(json: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(|one: char| one < ' ' || one == '"' || one == '\\') {
        json.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'\n' => json.push_str("\\n"),
            b'\t' => json.push_str("\\t"),
            special @ (b'"' | b'\\') => json.extend(['\\', char::from(special)]),
            control => {
                // Writing to a String never fails.
                let _ = write!(json, "\\u{control:04x}");
            }
        }
        rest = &rest[at + 1..];
    }
    json.push_str(rest);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        event::{
            Event,
            budget::RingBudget,
            event_id::EventId,
            name::{Channel, ClientId},
        },
        policy::Policy,
        queue::subscriber::{Form, Heartbeat, NEVER},
    };

    fn channel(name: &str) -> Target {
        Target::Channel(Channel::new(name).unwrap())
    }

    fn message(event: Event) -> Message {
        Draft::new(event, Arc::new(RingBudget::new(1 << 20))).finish(EventId::new(7, 1))
    }

    fn follower(channels: &[&str]) -> Subscriber {
        let mut channels: Vec<_> = channels.iter().map(|name| Channel::new(name).unwrap()).collect();
        channels.sort();
        Subscriber {
            client: ClientId::new("42").unwrap(),
            channels: channels.into(),
            patterns: Box::default(),
            cursor: EventId::ZERO,
            opened: EventId::ZERO,
            policy: Policy::default(),
            heartbeat: Heartbeat::default(),
            form: Form::Envelope,
            opened_ms: 0,
            expires_ms: NEVER,
            held: None,
        }
    }

    fn sse(message: &Message) -> &str {
        std::str::from_utf8(message.sse()).unwrap()
    }

    #[test]
    fn an_envelope_says_where_it_came_on_and_keeps_id_and_retry() {
        let event = Event::new(channel("a \"b\""), "x\\\ny\t\u{1}\u{2028}").with_kind("tick").unwrap();
        let plain = message(event.with_retry_ms(100).unwrap());
        let enveloped = envelope(&plain, &follower(&["a \"b\""]));
        let data = "{\"channel\":\"a \\\"b\\\"\",\"event\":\"tick\",\"data\":\"x\\\\\\ny\\t\\u0001\u{2028}\"}";
        assert_eq!(sse(&enveloped), format!("id: 7-1\nretry: 100\ndata: {data}\n\n"));
        assert_eq!((enveloped.id(), enveloped.targets()), (plain.id(), plain.targets()));
        let own = message(Event::new(Target::All, "").with_own_id("order 7").unwrap());
        let enveloped = envelope(&own, &follower(&[]));
        assert_eq!(sse(&enveloped), "id: order 7\ndata: {\"all\":true,\"data\":\"\"}\n\n");
        assert_eq!(enveloped.own_id(), Some("order 7"));
        let client = message(Event::new(Target::Client(ClientId::new("42").unwrap()), "x").live_only());
        let enveloped = envelope(&client, &follower(&[]));
        assert_eq!(sse(&enveloped), "id: 7-1\ndata: {\"client\":\"42\",\"data\":\"x\"}\n\n");
        assert!(!enveloped.is_kept());
    }

    #[test]
    fn only_a_channel_that_the_connection_follows_is_named() {
        let event = Event::for_targets(vec![channel("a"), channel("b"), channel("c")], "x").unwrap();
        let event = message(event);
        for (follows, named) in [(&["b"][..], "b"), (&["c", "b"], "b"), (&["c"], "c")] {
            let enveloped = envelope(&event, &follower(follows));
            assert_eq!(sse(&enveloped), format!("id: 7-1\ndata: {{\"channel\":\"{named}\",\"data\":\"x\"}}\n\n"));
        }
    }

    #[test]
    fn a_pass_makes_each_envelope_once() {
        let event = Event::for_targets(vec![channel("a"), channel("b")], "x").unwrap();
        let messages = [message(Event::new(Target::All, "y")), message(event)];
        let mut envelopes = Envelopes::default();
        for follows in [&["a"][..], &["b"], &["a", "b"], &["b"]] {
            let view = envelopes.view(&messages, 0b11, &follower(follows));
            assert_eq!(view.len(), 2);
            envelopes.give_back(view);
        }
        let made = envelopes.made.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(made, [1, 2], "one to all, one for each channel");
        let view = envelopes.view(&messages, 0b10, &follower(&["a"]));
        assert_eq!(view[0].sse(), messages[0].sse(), "it is not due");
        envelopes.give_back(view);
        assert_eq!(envelopes.view(&messages, 0b01, &follower(&["a"])).len(), 1);
        envelopes.clear();
        assert!(envelopes.made.iter().all(Vec::is_empty));
    }
}
