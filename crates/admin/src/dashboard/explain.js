// The view `explain`: what became of an event, for a client or on a connection.

import { LEVELS, advice } from "./advice.js";
import { read } from "./api.js";
import { address, at, describe, link, make, put } from "./dom.js";
import { clock, eventTime, plural, shown } from "./text.js";

/** Connections that are shown, the newest. */
const FATES_MAX = 100;
const MARKS = { good: "✓ ", wait: "… ", bad: "✗ " };
const level = (verdict) => LEVELS[verdict.kind] ?? "wait";
const sentence = (verdict) => `${MARKS[level(verdict)]}${shown(verdict.text)}`;

const target = (one) =>
  one.all ? "everybody" : one.client === undefined ? `channel ${shown(one.channel)}` : `client ${shown(one.client)}`;

/** A span of time is for machines in a sentence, so it is said here as people read it. */
const times = ({ from, to, at: when }) =>
  from !== undefined
    ? `Between ${clock(from)} and ${clock(to)}, by the clock of this computer.`
    : when !== undefined
      ? `At ${clock(when)}, by the clock of this computer.`
      : "";

const gapText = ({ gap }) =>
  gap
    ? `The gap: after ${gap.from ?? "an unknown event"}, up to ${gap.to ?? "an unknown event"}, ` +
      `${gap.missed ?? "an unknown number of"} lost.`
    : "";

const fate = ({ connection, client, opened, closed, verdict }, said) => {
  const open = closed === null ? "open now" : `ended ${clock(closed.at)}: ${closed.reason}`;
  const more = [times(verdict), gapText(verdict), advice(verdict) === said ? "" : advice(verdict)].filter(Boolean).join(" ");
  return make(
    "li",
    { "data-level": level(verdict) },
    make("p", { className: "verdict", textContent: sentence(verdict) }),
    make(
      "p",
      {},
      link(`#${connection}`, address("connection", connection)),
      ` of ${shown(client)}, opened ${clock(opened)}, ${open}`,
    ),
    make("p", { className: "soft", textContent: more }),
  );
};

export const explain = (go) => {
  const [event, by, name] = ["event", "by", "name"].map((field) => at(`explain-${field}`));
  let question = null;

  const label = () => put(at("explain-name-label"), by.value === "client" ? "Name of the client" : "Number of the connection");

  const show = (explained) => {
    const { verdict } = explained;
    put(at("explained-text"), sentence(verdict));
    at("explained-text").dataset.level = level(verdict);
    put(at("explained-advice"), advice(verdict));
    describe(at("explained-event"), [
      ["Event", explained.event],
      ["Published", eventTime(explained.event)],
      ["Targets", explained.targets === null ? "not known any more" : explained.targets.map(target).join(", ")],
    ]);
    at("explained-each-title").hidden = explained.connections.length === 0;
    const newest = explained.connections.slice(-FATES_MAX);
    at("explained-each").replaceChildren(...newest.map((one) => fate(one, advice(verdict))));
    const left = explained.connections.length - newest.length;
    if (left > 0) at("explained-each").prepend(make("li", { textContent: `${plural(left, "older connection")} not shown.` }));
  };

  const ask = async () => {
    question?.abort();
    const abort = new AbortController();
    question = abort;
    const query = new URLSearchParams({
      event: event.value.trim(),
      [by.value]: by.value === "client" ? name.value : name.value.trim(),
    });
    try {
      const explained = await read(`api/v1/explain?${query}`, { signal: abort.signal });
      if (question !== abort) return;
      show(explained);
    } catch (error) {
      if (question !== abort) return;
      put(at("explained-text"), `The server says: ${error.message}.`);
      at("explained-text").dataset.level = "bad";
      put(at("explained-advice"), "");
      describe(at("explained-event"), []);
      at("explained-each").replaceChildren();
      at("explained-each-title").hidden = true;
    }
    at("explained").hidden = false;
    at("explained-title").focus();
  };

  by.addEventListener("change", label);
  at("explain-form").addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    const href = address("explain", null, { event: event.value.trim(), [by.value]: name.value });
    if (location.hash === href) ask();
    else go(href);
  });

  return {
    title: () => "Explain",
    open(_, query) {
      const whose = ["client", "connection"].find((one) => query.has(one));
      event.value = query.get("event") ?? event.value;
      if (whose !== undefined) [by.value, name.value] = [whose, query.get(whose)];
      label();
      if (query.has("event") && whose !== undefined) ask();
    },
    beat() {},
    close() {
      question?.abort();
      question = null;
    },
  };
};
