// The view of one channel: its figures, its kept events, and the streams that follow it.

import { attempt, button, sure } from "./act.js";
import { read, segment } from "./api.js";
import { Question, disconnect, note } from "./detail.js";
import { address, at, describe, link, put } from "./dom.js";
import { Streams } from "./streams.js";
import { bytes, count, plural, shown } from "./text.js";

export const channel = () => {
  const question = new Question();
  const streams = new Streams(at("channel-streams"), "Connections that follow the channel", "Nobody follows it.");
  let name = "";

  const show = ({ figures, history }) => {
    note(at("channel-state"), "");
    const kept = [
      ["Kept events", count(history.events)],
      ["Bytes of kept events", bytes(history.bytes)],
    ];
    if (figures === null) {
      describe(at("channel-figures"), [["Streams that follow it by name", "none"], ...kept]);
      return;
    }
    describe(at("channel-figures"), [
      ["Streams that follow it by name", count(figures.connections)],
      ...kept,
      ["Deliveries", count(figures.matched)],
      ["Written at once", count(figures.written)],
      ["Had to wait", count(figures.queued)],
      ["Given up at once", count(figures.given_up)],
      ["Dropped", count(figures.dropped)],
      ["Made good by the history", count(figures.repaired)],
      ["Lost", count(figures.lost)],
      ["Up to the event", figures.position],
    ]);
  };
  const fail = ({ status, message }) => {
    const nobody = "Nobody follows this channel by name, and nothing is kept of it.";
    note(at("channel-state"), status === 404 ? nobody : `These figures are old: ${message}.`);
  };
  const ask = () => question.ask(() => `api/v1/channels/${segment(name)}`, show, fail);
  const again = () => {
    ask();
    streams.refresh();
  };
  const purge = () =>
    button("Throw its kept events away", "danger", async () => {
      const why = "Clients that come back for these events are told a gap. This cannot be taken back.";
      if (!(await sure(`Throw the kept events of ${shown(name)} away?`, why, "Throw away"))) return;
      await attempt(
        () => read(`api/v1/channels/${segment(name)}/history`, { method: "DELETE" }),
        ({ events }) => `${plural(events, "kept event was", "kept events were")} thrown away.`,
      );
      again();
    });

  return {
    title: () => `Channel ${shown(name)}`,
    open(wanted) {
      name = wanted;
      put(at("channel-title"), `Channel ${shown(name)}`);
      describe(at("channel-figures"), []);
      note(at("channel-state"), "");
      at("channel-actions").replaceChildren(
        link("Tail it", address("tail", null, { channel: name })),
        link("Publish on it", address("publish", null, { channel: name })),
        disconnect(
          "Disconnect those who follow it",
          `all who follow ${shown(name)}`,
          () => `api/v1/channels/${segment(name)}/connections`,
          again,
        ),
        purge(),
      );
      question.stop();
      streams.only({ channel: name });
      ask();
    },
    beat(kind) {
      if (kind !== "connections") return;
      ask();
      streams.beat([]);
    },
    close() {
      question.stop();
      streams.stop();
    },
  };
};
