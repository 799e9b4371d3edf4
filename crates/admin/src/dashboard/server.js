// The view `server`: all figures that are counted by name, a reload, and the drain.

import { attempt, say, sure, whilePressed } from "./act.js";
import { hasToken, read } from "./api.js";
import { at, describe, make } from "./dom.js";
import { bytes, clock, count, seconds, shown, span } from "./text.js";

/** Names with their counts, also those without any. */
const counts = (named) => {
  const pairs = Object.entries(named).map(([name, number]) => [shown(name), count(number)]);
  return pairs.length > 0 ? pairs : [["none", ""]];
};

const times = ({ count: number, p50, p90, p99, p999 }) => [
  ["Times", count(number)],
  ["50 % within", seconds(p50)],
  ["90 % within", seconds(p90)],
  ["99 % within", seconds(p99)],
  ["99.9 % within", seconds(p999)],
];

/** What keeps the events. */
const journal = ({ journal: kind, shared }) => {
  if (kind === "memory") return "memory: a restart forgets all events";
  return shared ? `${shown(kind)}, shared with other nodes` : shown(kind);
};

const state = ({ state: { ready, draining, failure } }) =>
  failure !== null ? `failed: ${shown(failure)}` : draining ? "draining" : ready ? "ready" : "not ready";

/** The cards: a title, and what it has. */
const cards = (model, status) => {
  const { figures } = model;
  const { deliveries, latency } = figures;
  return [
    [
      "State",
      [
        ["State", state(model)],
        ["Version", status === null ? "–" : shown(status.version)],
        ["Started", status === null ? "–" : clock(status.started)],
        ["Running for", span(figures.uptime_ms)],
        ["Journal", journal(figures)],
        ["Trouble of the journal", figures.trouble === null ? "none" : shown(figures.trouble)],
        ["Threads", count(figures.inboxes.length)],
        ["Sockets", count(figures.sockets)],
        ["Clients", count(figures.clients)],
        ["Channels", count(figures.channels)],
        ["Requests", count(figures.requests)],
        ["Publishes that found the order lock taken", count(figures.lock_contentions)],
      ],
    ],
    [
      "Deliveries",
      [
        ["Due to open streams", count(deliveries.matched)],
        ["Older, given at a start", count(deliveries.replayed)],
        ["Written", count(deliveries.written)],
        ["Bytes written", bytes(deliveries.written_bytes)],
        ["Dropped", count(deliveries.dropped)],
        ["Made good by the history", count(deliveries.repaired)],
        ["Lost", count(deliveries.lost)],
        ["Not made when their stream ended", count(deliveries.abandoned)],
        ["Older ones, read again", count(deliveries.reread)],
        ["Events", count(figures.events)],
        ["Bytes of events", bytes(figures.event_bytes)],
      ],
    ],
    ["Publishes, by outcome", counts(figures.publishes)],
    ["Streams open, by transport", counts(figures.connections)],
    ["Streams opened, by transport", counts(figures.opened)],
    ["Streams closed, by reason", counts(figures.closed)],
    ["Gaps, by reason", counts(figures.gaps)],
    ["Refusals, by rule", counts(figures.refusals)],
    ["Publish to socket", times(latency.publish_to_socket)],
    ["Publish to the last thread", times(latency.fan_out)],
    ["Wait for the order lock", times(latency.waited_for_order)],
  ];
};

const REASON =
  "Publishes are refused from now on. Every stream gets what was accepted and ends. Then the process ends, and it needs " +
  "somebody to start it again. This cannot be taken back.";

export const server = (model, forget) => {
  let status = null;

  const show = () => {
    if (model.figures === null) return;
    const root = at("server-cards");
    cards(model, status).forEach(([title, pairs], index) => {
      const card =
        root.children[index] ??
        root.appendChild(
          make("div", { className: "card" }, make("h2", { textContent: title }), make("dl", { className: "facts" })),
        );
      describe(card.lastElementChild, pairs);
    });
  };

  const list = (names) => (names.length > 0 ? names.map(shown).join(", ") : "nothing");
  whilePressed(at("reload"), async () => {
    const why =
      "Keys, tokens, limits and certificates are read again, as far as they can be. If a file is wrong, nothing changes.";
    if (!(await sure("Reload the settings?", why, "Reload"))) return;
    await attempt(
      () => read("api/v1/reload", { method: "POST" }),
      ({ applied, unchanged, needs_restart: later }) => {
        describe(at("reloaded-facts"), [
          ["Used from now on", list(applied)],
          ["As before", list(unchanged)],
          ["Needs a restart", list(later)],
        ]);
        at("reloaded").hidden = false;
        return `Reloaded. Used from now on: ${list(applied)}. Needs a restart: ${list(later)}.`;
      },
    );
  });
  whilePressed(at("drain"), async () => {
    if (!(await sure("Drain and stop the server?", REASON, "Drain and stop"))) return;
    await attempt(
      () => read("api/v1/drain", { method: "POST" }),
      () => "The drain has begun.",
    );
  });
  at("forget").addEventListener("click", () => {
    forget();
    say("The token is forgotten.");
  });

  return {
    title: () => "Server",
    async open() {
      at("forget").hidden = !hasToken();
      show();
      try {
        status = await read("api/v1/status");
        show();
      } catch {
        // The figures say the rest, and the page says that there is no connection.
      }
    },
    beat(kind) {
      if (kind === "figures") show();
    },
    close() {},
  };
};
