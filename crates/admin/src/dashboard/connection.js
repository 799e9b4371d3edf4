// The view of one connection: all that is known about it, until it has ended.

import { segment } from "./api.js";
import { Question, disconnect, note } from "./detail.js";
import { address, at, describe, link, make, put } from "./dom.js";
import { bytes, clock, count, shown, span } from "./text.js";

/** What becomes of events when the ring is full. */
const POLICIES = {
  repair: "repair: the history gives what was dropped",
  "drop-newest": "drop-newest: new events are dropped",
  "drop-oldest": "drop-oldest: the oldest events that wait are dropped",
  close: "close: the stream ends",
};
const STATES = {
  opening: "opening: its head is on its way",
  live: "live: it gets every event as it comes",
  "catching-up": "catching up: it gets events from the history",
  dropping: "dropping: it gets nothing until its ring is empty",
  closing: "closing: it gets its end",
};

export const connection = () => {
  const question = new Question();
  let number = "";
  let isOver = false;

  const show = (stream) => {
    note(at("connection-state"), "");
    describe(at("connection-figures"), [
      ["Client", link(shown(stream.client), address("client", stream.client))],
      ["State", STATES[stream.state] ?? stream.state],
      ["Events behind", count(stream.lag)],
      ["Bytes that wait", bytes(stream.waiting_bytes)],
      ["Silent for", span(stream.silent_ms)],
      ["Open for", span(stream.age_ms)],
      ["Opened", clock(stream.opened)],
      ["Ends with its grant", stream.expires === null ? "no" : clock(stream.expires)],
      ["Transport", stream.transport],
      ["Address", stream.peer === null ? "none: it belongs to the program" : shown(stream.peer)],
      ["Holder of its grant", stream.holder === null ? "none" : shown(stream.holder)],
      ["When its ring is full", POLICIES[stream.policy] ?? stream.policy],
      ["Thread", count(stream.shard)],
    ]);
    const { account } = stream;
    describe(at("connection-account"), [
      ["Published for it", count(account.matched)],
      ["Older, given at its start", count(account.replayed)],
      ["Written", count(account.written)],
      ["Waiting", count(account.queued)],
      ["Still to come from the history", count(account.owed)],
      ["Dropped", count(account.dropped)],
      ["Made good by the history", count(account.repaired)],
      ["Lost", count(account.lost)],
      ["Up to the event", account.position],
    ]);
    const names = [...stream.channels.map((name) => [name, "channel"]), ...stream.patterns.map((name) => [name, "pattern"])];
    const follows = at("connection-follows");
    const text = JSON.stringify(names);
    if (follows.dataset.names === text) return;
    follows.dataset.names = text;
    follows.replaceChildren(
      ...names.map(([name, kind]) =>
        make(
          "li",
          {},
          `${kind} `,
          link(shown(name), kind === "channel" ? address("channel", name) : address("tail", null, { channel: name })),
        ),
      ),
    );
    if (names.length === 0) follows.append(make("li", { textContent: "Only events for everybody and for its client." }));
  };
  const fail = ({ status, message }) => {
    isOver = status === 404 || status === 400;
    const isShown = at("connection-figures").children.length > 0;
    note(
      at("connection-state"),
      status === 404
        ? `This connection is not open.${isShown ? " These are its last figures." : ""}`
        : `These figures are old: ${message}.`,
    );
  };
  const ask = () => question.ask(() => `api/v1/connections/${segment(number)}`, show, fail);

  return {
    title: () => `Connection #${shown(number)}`,
    open(wanted) {
      [number, isOver] = [wanted, false];
      put(at("connection-title"), `Connection #${shown(number)}`);
      for (const id of ["connection-figures", "connection-account"]) describe(at(id), []);
      at("connection-follows").replaceChildren();
      delete at("connection-follows").dataset.names;
      note(at("connection-state"), "");
      at("connection-actions").replaceChildren(
        link("Explain an event", address("explain", null, { connection: number })),
        disconnect("Disconnect it", `the stream #${shown(number)}`, () => `api/v1/connections/${segment(number)}`, ask),
      );
      question.stop();
      ask();
    },
    beat(kind) {
      if (kind === "connections" && !isOver) ask();
    },
    close: () => question.stop(),
  };
};
