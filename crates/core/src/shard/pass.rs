//! [`Pass`]: a few messages on their way to the slots of one shard, and [`Run`], the bytes they have in common.
//!
//! Each slot has a mask: bit *i* says that message *i* of the pass is for it. An event on several of a connection's channels
//! sets one bit, so it reaches the connection once. All messages of one slot leave in one vectored write. A pass can stop after
//! any slot and go on later.

use std::{io::IoSlice, mem};

use crate::{
    config::Config,
    event::{
        account::{ChannelAccount, Fate},
        event_id::EventId,
        fanned::Fanned,
        message::Message,
    },
    queue::{outlet::Framing, subscriber::Subscriber, tally::Part},
    shard::{envelope::Envelopes, ledger::Ledger},
};

/// The bits of a mask.
const MESSAGES_MAX: usize = u64::BITS as usize;

/// A pass is at most one part in this of a ring. So a connection that falls behind in one pass has room for the next few, before
/// it is pressed ([`crate::shard::pace`]).
const OF_A_RING: usize = 4;

/// The messages of one pass and how far it has come.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    messages: Vec<Message>,
    bytes: usize,
    /// A message that was taken from the inbox and is too large for this pass.
    postponed: Option<(Message, Option<Part>)>,
    /// The messages that are for each slot. They stand apart from the slots, so that setting a bit touches little.
    masks: Vec<u64>,
    /// Slots with a mask. If `to_all` has a bit, every slot is looked at instead.
    touched: Vec<u32>,
    /// The messages for every slot, on top of its mask. A slot that came later has seen their ids.
    to_all: u64,
    /// The number of slots, of `touched` or of all, that have been looked at.
    at: usize,
    parts: Vec<Option<Part>>,
    /// The account of each message.
    news: Vec<ChannelAccount>,
    /// A mask, and the number of slots in a row that took all of it. Most slots do, and most have the same mask.
    written: (u64, u64),
    envelopes: Envelopes,
    /// Bytes by which the envelopes that sockets took whole are longer than their events.
    envelope_bytes: i64,
}

impl Pass {
    /// The most messages of one pass.
    pub(crate) fn messages_max(config: &Config) -> usize {
        (config.ring_messages_max / OF_A_RING).clamp(1, MESSAGES_MAX)
    }

    /// The most bytes of one pass, unless it is of one message.
    pub(crate) fn bytes_max(config: &Config) -> usize {
        config.ring_bytes_max / OF_A_RING
    }

    /// Makes room for the mask of a new slot.
    pub(crate) fn enter(&mut self, slot: u32) {
        let slots = slot as usize + 1;
        if self.masks.len() < slots {
            self.masks.resize(slots, 0);
        }
    }

    /// Takes the mask of a slot off that leaves.
    pub(crate) fn leave(&mut self, slot: u32) {
        self.masks[slot as usize] = 0;
    }

    /// Whether there are no messages.
    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Whether there are messages, or one is postponed.
    pub(crate) fn is_under_way(&self) -> bool {
        !self.messages.is_empty() || self.postponed.is_some()
    }

    /// Whether no message at all may join any more.
    pub(crate) fn is_full(&self, config: &Config) -> bool {
        self.postponed.is_some() || self.messages.len() >= Self::messages_max(config)
    }

    /// Whether a message of `bytes` may join.
    pub(crate) fn has_room(&self, bytes: usize, config: &Config) -> bool {
        let bytes = self.bytes.saturating_add(bytes);
        self.messages.is_empty() || (!self.is_full(config) && bytes <= Self::bytes_max(config))
    }

    /// Keeps a message for the next pass. No other message may join this one.
    pub(crate) fn postpone(&mut self, message: Message, part: Option<Part>) {
        self.postponed = Some((message, part));
    }

    /// Takes out the message that was postponed, for it to be the first of a new pass.
    pub(crate) fn take_postponed(&mut self) -> Option<(Message, Option<Part>)> {
        self.postponed.take()
    }

    /// Adds a message; its bit is the one to set in masks.
    pub(crate) fn add(&mut self, message: Message, part: Option<Part>) -> u64 {
        let bit = 1 << self.messages.len();
        self.bytes += message.bytes();
        self.messages.push(message);
        self.parts.push(part);
        self.news.push(ChannelAccount::default());
        bit
    }

    /// Sets a bit for every slot.
    pub(crate) fn set_all(&mut self, bit: u64) {
        self.to_all |= bit;
    }

    /// Sets a bit for one slot.
    pub(crate) fn set(&mut self, slot: u32, bit: u64) {
        let mask = &mut self.masks[slot as usize];
        if *mask == 0 {
            self.touched.push(slot);
        }
        *mask |= bit;
    }

    /// The next slot to look at and its mask, which is taken off.
    pub(crate) fn next(&mut self) -> Option<(u32, u64)> {
        let slot = if self.to_all != 0 {
            if self.at >= self.masks.len() {
                return None;
            }
            u32::try_from(self.at).ok()?
        } else {
            *self.touched.get(self.at)?
        };
        self.at += 1;
        Some((slot, mem::take(&mut self.masks[slot as usize]) | self.to_all))
    }

    /// Whether every slot has been looked at.
    pub(crate) fn is_over(&self) -> bool {
        self.at >= if self.to_all != 0 { self.masks.len() } else { self.touched.len() }
    }

    /// Lends the messages. The caller gives them back.
    pub(crate) fn lend(&mut self) -> Vec<Message> {
        mem::take(&mut self.messages)
    }

    /// Takes the messages back.
    pub(crate) fn give_back(&mut self, messages: Vec<Message>) {
        self.messages = messages;
    }

    /// The id of the last message.
    pub(crate) fn newest(&self) -> EventId {
        self.messages.last().map_or(EventId::ZERO, Message::id)
    }

    /// The message with this bit.
    pub(crate) fn message(&self, bit: usize) -> &Message {
        &self.messages[bit]
    }

    /// As [`Envelopes::view`].
    pub(crate) fn view(&mut self, messages: &[Message], due: u64, subscriber: &Subscriber) -> Vec<Message> {
        self.envelopes.view(messages, due, subscriber)
    }

    /// As [`Envelopes::give_back`].
    pub(crate) fn give_view_back(&mut self, view: Vec<Message>) {
        self.envelopes.give_back(view);
    }

    /// Counts the fate of one message for one connection.
    pub(crate) fn count(&mut self, bit: usize, fate: Fate) {
        self.news[bit].count(fate);
    }

    /// As [`ChannelAccount::count_given_up`].
    pub(crate) fn count_given_up(&mut self, bit: usize) {
        self.news[bit].count_given_up();
    }

    /// Counts that one connection took all messages in `mask`.
    pub(crate) fn count_written(&mut self, mask: u64) {
        if self.written.0 != mask {
            self.add_written();
            self.written = (mask, 0);
        }
        self.written.1 += 1;
    }

    /// Counts that a socket took an envelope whole instead of its event.
    pub(crate) fn count_envelope(&mut self, event: &Message, envelope: &Message) {
        let bytes = |message: &Message| i64::try_from(message.bytes()).unwrap_or(i64::MAX);
        self.envelope_bytes += bytes(envelope) - bytes(event);
    }

    fn add_written(&mut self) {
        let (mask, slots) = mem::take(&mut self.written);
        for bit in bits(mask) {
            self.news[bit].matched += slots;
            self.news[bit].written += slots;
        }
    }

    /// Takes the mask of `slot` off, and returns its part above `seen`, with the messages for every slot. The caller has the slot
    /// see them ([`crate::shard::slot::Slot::see`]).
    pub(crate) fn take_mask(&mut self, slot: u32, seen: EventId) -> u64 {
        due(&self.messages, mem::take(&mut self.masks[slot as usize]) | self.to_all, seen)
    }

    /// Whether a message above `seen` is still to come to `slot`.
    pub(crate) fn is_due(&self, slot: u32, seen: EventId) -> bool {
        due(&self.messages, self.masks[slot as usize] | self.to_all, seen) != 0
    }

    /// Reports to publishers that wait and to the accounts. Keeps its memory for the next pass.
    pub(super) fn finish(&mut self, ledger: &mut Ledger) {
        self.add_written();
        for (message, news) in self.messages.iter().zip(&self.news) {
            ledger.accounts.note_pass(message, news);
            ledger.totals.matched += news.matched;
            ledger.totals.count_written(news.written, message.bytes());
            let (stamp, is_last) = (message.stamp(), message.end_fan_out());
            ledger.note_fanned(Fanned { stamp, written: news.written, is_last });
        }
        let bytes = &mut ledger.totals.written_bytes;
        *bytes = bytes.wrapping_add_signed(mem::take(&mut self.envelope_bytes));
        for (part, news) in self.parts.drain(..).zip(&self.news) {
            if let Some(part) = part {
                part.add(news.outcome());
            }
        }
        self.messages.clear();
        self.news.clear();
        self.touched.clear();
        self.envelopes.clear();
        (self.bytes, self.to_all, self.at) = (0, 0, 0);
    }
}

/// The part of `mask` whose messages are above `seen`.
pub(crate) fn due(messages: &[Message], mask: u64, seen: EventId) -> u64 {
    if messages.first().is_some_and(|first| first.id() > seen) {
        return mask;
    }
    bits(mask).filter(|bit| messages[*bit].id() > seen).fold(0, |due, bit| due | 1 << bit)
}

/// The positions of the bits that are set, lowest first.
pub(crate) fn bits(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (mask != 0).then(|| {
            let bit = mask.trailing_zeros() as usize;
            mask &= mask - 1;
            bit
        })
    })
}

/// The buffers of one vectored write. They are kept from slot to slot while the mask stays the same, so they are built once for
/// all connections that follow the same channels.
pub(crate) struct Run<'a> {
    messages: &'a [Message],
    /// The events of which the messages are envelopes, if they are.
    events: Option<&'a [Message]>,
    built_for: Option<(u64, Framing)>,
    parts: [IoSlice<'a>; MESSAGES_MAX],
    count: usize,
    bytes: usize,
    newest: EventId,
}

impl<'a> Run<'a> {
    pub(crate) fn new(messages: &'a [Message]) -> Self {
        Self {
            messages,
            events: None,
            built_for: None,
            parts: [IoSlice::new(&[]); MESSAGES_MAX],
            count: 0,
            bytes: 0,
            newest: EventId::ZERO,
        }
    }

    /// The buffers of envelopes, each of one of `events`.
    pub(crate) fn in_envelopes(messages: &'a [Message], events: &'a [Message]) -> Self {
        Self { events: Some(events), ..Self::new(messages) }
    }

    /// The events of which the messages are envelopes, if they are.
    pub(crate) fn events(&self) -> Option<&'a [Message]> {
        self.events
    }

    /// The buffers for the messages in `mask`, and their bytes.
    pub(crate) fn parts(&mut self, mask: u64, framing: Framing) -> (&[IoSlice<'a>], usize) {
        if self.built_for != Some((mask, framing)) {
            self.built_for = Some((mask, framing));
            (self.count, self.bytes) = (0, 0);
            for bit in bits(mask) {
                let bytes = framing.of(&self.messages[bit]);
                self.parts[self.count] = IoSlice::new(bytes);
                self.count += 1;
                self.bytes += bytes.len();
                self.newest = self.messages[bit].id();
            }
        }
        (&self.parts[..self.count], self.bytes)
    }

    /// The id of the last message in these buffers.
    pub(crate) fn newest(&self) -> EventId {
        self.newest
    }
}
