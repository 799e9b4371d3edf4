// What needs a look: the figures of the last minute as sentences, the worst first, each with what to do about it.

import { address } from "./dom.js";
import { bytes, count, list, plural, seconds, shown, span, sum } from "./text.js";

/** A part of a limit that is worth a sentence. */
const ROOM_HIGH = 0.8;
/** A journal that answers later than this is slow. */
const JOURNAL_SLOW_MS = 1000;
/** A socket that gets events later than this gets them slowly. In seconds. */
const LATENCY_SLOW = 1;

/** Why a rule refuses, and what helps. Rules of limits for each address have other names. */
const RULES = {
  "no-credential": "no key or token was sent where one is needed",
  "invalid-credential": "a key or token was wrong or too old",
  "not-granted": "a token did not allow what was asked for",
  denied: "your application said no",
  undecided: "your application did not answer",
  page: "the page or the host may not",
  "client-streams": "a client had as many streams as it may have",
};

export const ruleInWords = (rule) => RULES[rule] ?? "an address or a holder was over a limit";

/** Used room, as `{label, used, max, format}`. Inboxes by the fullest. */
export const room = (figures) => {
  const fullest = (key) => Math.max(0, ...figures.inboxes.map((inbox) => inbox[key]));
  return [
    {
      label: "Rings and sockets",
      used: figures.ring.bytes,
      max: figures.ring.bytes_max,
      format: bytes,
      help: "Slow streams use it. Look at the slowest connections, or give --memory more.",
    },
    {
      label: "Kept events",
      used: figures.history.bytes,
      max: figures.history.bytes_max,
      format: bytes,
      help: "The oldest events make room. Give --memory more if they have to stay longer.",
    },
    {
      label: "Channels with kept events",
      used: figures.history.targets,
      max: figures.history.targets_max,
      format: count,
      help: "Those that were silent for longest make room.",
    },
    {
      label: "Fullest inbox, events",
      used: fullest("messages"),
      max: figures.inbox_max.messages,
      format: count,
      help: "A thread is behind, so publishers wait.",
    },
    {
      label: "Fullest inbox, bytes",
      used: fullest("bytes"),
      max: figures.inbox_max.bytes,
      format: bytes,
      help: "A thread is behind, so publishers wait.",
    },
  ];
};

const slowest = (connections) => connections.reduce((worst, one) => (one.lag > (worst?.lag ?? 0) ? one : worst), null);

/** The state of the whole server. */
const ofState = ({ state, figures }) => [
  state.failure !== null && { level: "bad", text: `A part of the server has failed: ${shown(state.failure)}. Restart it.` },
  figures.trouble !== null && {
    level: "bad",
    text: `The journal takes nothing, so publishes are refused: ${shown(figures.trouble)}.`,
  },
  state.draining && { level: "warn", text: "The server drains: it takes no new streams and no publishes, and will end." },
  !state.ready &&
    !state.draining &&
    state.failure === null &&
    figures.trouble === null && { level: "warn", text: "The server is not ready. It may still be reading its journal." },
  figures.unanswered.oldest_ms > JOURNAL_SLOW_MS && {
    level: "warn",
    text:
      `The journal is slow: ${plural(figures.unanswered.publishes, "publish", "publishes")} without an answer, the oldest for ` +
      `${span(figures.unanswered.oldest_ms)}.`,
  },
];

/** What happened within the last minute. */
const ofMinute = ({ connections }, minute) => {
  const [gaps, refusals, worst] = [sum(minute.gaps), sum(minute.refusals), slowest(connections)];
  const failed = { ...minute.publishes, published: 0, repeated: 0 };
  const [rule] = Object.entries(minute.refusals).reduce((most, one) => (one[1] > most[1] ? one : most), ["", 0]);
  const busy = minute.closed.busy ?? 0;
  const timeouts = minute.closed["write-timeout"] ?? 0;
  return [
    minute.lost > 0 && {
      level: "bad",
      text: `${plural(minute.lost, "delivery", "deliveries")} lost. The streams were told gaps (${list(minute.gaps)}).`,
    },
    sum(failed) > 0 && { level: "bad", text: `${plural(sum(failed), "publish", "publishes")} failed (${list(failed)}).` },
    minute.dropped > 0 && {
      level: "warn",
      text:
        `${plural(minute.dropped, "delivery", "deliveries")} dropped, because rings were full. The history has made good ` +
        `${count(minute.repaired)} within the same time.`,
      ...(worst !== null && {
        href: address("connection", worst.connection),
        link: `The furthest behind is #${worst.connection}`,
      }),
    },
    minute.lost === 0 &&
      gaps > 0 && {
        level: "warn",
        text: `${plural(gaps, "gap")} told to streams (${list(minute.gaps)}). These clients have to load their state again.`,
      },
    busy + timeouts > 0 && {
      level: "warn",
      text: `${plural(busy + timeouts, "stream")} closed for being slow (${list({ busy, "write-timeout": timeouts })}).`,
    },
    refusals > 0 && {
      level: "warn",
      text: `${plural(refusals, "refusal")} (${list(minute.refusals)}). Most often ${ruleInWords(rule)}.`,
    },
    minute.p99 > LATENCY_SLOW && {
      level: "warn",
      text: `Events reach their sockets late: 1 % took more than ${seconds(minute.p99)}. The machine, or some clients, are slow.`,
    },
  ];
};

const ofRoom = ({ figures }) => [
  ...room(figures)
    .filter(({ used, max }) => max > 0 && used / max >= ROOM_HIGH)
    .map(({ label, used, max, format, help }) => ({
      level: "warn",
      text: `${label}: ${format(used)} of ${format(max)} are used. ${help}`,
    })),
  figures.waiting_publishers > 0 && {
    level: "warn",
    text: `${plural(figures.waiting_publishers, "publisher waits", "publishers wait")} for room in an inbox.`,
  },
];

const ofConnections = ({ connections }) => {
  const worst = slowest(connections);
  return [
    worst !== null && {
      level: "info",
      text: `The slowest stream is ${plural(worst.lag, "event")} behind, with ${bytes(worst.waiting_bytes)} waiting.`,
      href: address("connection", worst.connection),
      link: `#${worst.connection} of ${shown(worst.client)}`,
    },
  ];
};

/** All of it: `{level, text, href, link}`. Levels are `bad`, `warn` and `info`. */
export const attention = (model) => {
  const all = [...ofState(model), ...ofMinute(model, model.lastMinute()), ...ofRoom(model), ...ofConnections(model)];
  const order = ["bad", "warn", "info"];
  return all.filter(Boolean).sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
};
