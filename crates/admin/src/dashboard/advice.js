// What to do about each verdict of an explanation, in words.

import { ruleInWords } from "./attention.js";

/** How a verdict is seen at a glance: `good` arrived, `wait` may still arrive, `bad` did not. */
export const LEVELS = {
  written: "good",
  repaired: "good",
  waiting: "wait",
  dropped: "bad",
  "in-gap": "bad",
  closed: "bad",
  refused: "bad",
  "not-connected": "bad",
  "not-subscribed": "bad",
  "no-such-event": "bad",
  "too-long-ago": "wait",
};

const PLACES = {
  inbox: "Its thread is behind. See how full the inboxes are: the machine may have too much to do.",
  ring: "The client, or the network to it, takes events more slowly than they come. See how far its connection is behind.",
  socket:
    "The client, or the network to it, takes no more bytes now. If none leaves for 30 s (write-timeout), the stream is closed.",
  history: "The client catches up, at its own pace. See whether its connection gets nearer to the newest event.",
};

const CLOSES = {
  "client-gone":
    "The client has gone. When it comes back with the id of its last event, it gets this one, while the history has it.",
  "write-timeout": "The client took no byte for too long. It gets the event when it comes back with the id of its last event.",
  busy: "Its ring was full, and its policy closes it then. It gets the event when it comes back with the id of its last event.",
  disconnected: "Somebody has ended the stream on purpose. It gets the event when it comes back with the id of its last event.",
  drained: "The server was on its way to its end. The client gets the event when it comes back, also from another node.",
  expired: "Its token was too old. The application has to give the client a new one.",
};

const stateIsOld = (gap) =>
  `${gap === null ? "The client will be told a gap" : "The client was told a gap"}, and has to load its state again. `;

const ADVICE = {
  written: () =>
    "The server has done its part. Look at what stands behind it: does a proxy hold bytes back, and does the page listen for " +
    "the type of this event?",
  repaired: () =>
    "It came late and from the history, but it came. If that happens often, the client is slow, or it loses its connection.",
  waiting: ({ place }) => PLACES[place] ?? "See its connection.",
  dropped: ({ gap }) =>
    stateIsOld(gap) +
    "More room in the rings (ring-messages, ring-bytes) or the policy repair make this rarer.",
  "in-gap": ({ gap }) =>
    stateIsOld(gap) +
    "If clients come back after a longer time, keep events for longer: history-events, history-bytes and history-age.",
  closed: ({ reason }) =>
    CLOSES[reason] ?? "It gets the event when it comes back with the id of its last event, while the history has it.",
  refused: ({ rule }) => `The reason: ${ruleInWords(rule)}. The log has a line about it.`,
  "not-connected": () =>
    "It gets the event when it comes back with the id of its last event, while the history has it. " +
    "If it should have been connected then, look for its name in the log. A stream that should begin earlier needs since.",
  "not-subscribed": () =>
    "Compare the targets of the event with what the connection follows. A name may be misspelt, or a token may not " +
    "allow the channel.",
  "no-such-event": () => "Compare the id with the answer to the publish. It may be the id of another server.",
  "too-long-ago": () =>
    "The server remembers the last events of each stream, and the last streams that ended. Ask sooner, or look into " +
    "the log.",
};

export const advice = (verdict) => ADVICE[verdict.kind]?.(verdict) ?? "";
