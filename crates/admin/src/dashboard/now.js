// The view `now`: what needs a look, figures, charts and tables, as the event stream brings them.

import { attention } from "./attention.js";
import { Charts } from "./charts.js";
import { address, at, link, make, put, setAttribute } from "./dom.js";
import { Streams } from "./streams.js";
import { Table } from "./table.js";
import { showRoom, showTiles } from "./tiles.js";
import { count, plural, shown } from "./text.js";

const MARKS = { bad: "■ Bad: ", warn: "▲ ", info: "" };

const CHANNELS = [
  {
    key: "channel",
    label: "Channel",
    value: (row) => shown(row.channel),
    href: (row) => address("channel", row.channel),
    order: (row) => row.channel,
    sort: "ascending",
    isText: true,
  },
  ...[
    ["connections", "Streams"],
    ["matched", "Deliveries"],
    ["queued", "Had to wait"],
    ["dropped", "Dropped"],
    ["repaired", "Made good"],
    ["lost", "Lost"],
  ].map(([key, label]) => ({
    key,
    label,
    value: (row) => count(row[key]),
    order: (row) => -row[key],
    isNumber: true,
    sort: "descending",
    isWide: key === "queued" || key === "repaired",
  })),
];

export const now = (model) => {
  const charts = new Charts(at("charts"), model.series);
  const streams = new Streams(at("slow"), "The slowest connections", "No stream is open.");
  let sortedBy = "connections";
  const channels = new Table(at("busy"), {
    label: "The busiest channels",
    columns: CHANNELS,
    keyOf: (row) => row.channel,
    empty: "Nobody follows a channel by name.",
    onSort: (key) => {
      sortedBy = key;
      showChannels();
    },
  });
  channels.note("The 20 channels with the most streams. Counts are since somebody has been following the channel.");

  const showChannels = () => {
    const { order } = CHANNELS.find(({ key }) => key === sortedBy);
    const compare = (a, b) => (order(a) < order(b) ? -1 : order(a) > order(b) ? 1 : 0);
    channels.sortedBy(sortedBy);
    channels.show([...model.channels].sort(compare));
  };

  const showAttention = () => {
    const found = attention(model);
    const serious = found.filter(({ level }) => level !== "info").length;
    const { isWhole } = model.lastMinute();
    const none = isWhole
      ? "Nothing: all is well in the last minute."
      : "Nothing so far. The page has been looking for less than a minute.";
    const some = `${plural(serious, "thing")} ${isWhole ? "in the last minute" : "so far"}:`;
    put(at("look-sum"), serious === 0 ? none : some);
    setAttribute(at("look-sum"), "data-level", found[0]?.level ?? "");
    const list = at("look");
    found.forEach(({ level, text, href, link: words }, index) => {
      const item = list.children[index] ?? list.appendChild(make("li", {}, make("span"), make("span"), " ", link("", "#now")));
      const [mark, sentence, more] = item.children;
      put(mark, MARKS[level]);
      put(sentence, text);
      more.hidden = href === undefined;
      put(more, words ?? "");
      if (href !== undefined) setAttribute(more, "href", href);
      setAttribute(item, "data-level", level);
    });
    while (list.children.length > found.length) list.lastElementChild.remove();
  };

  const showFigures = () => {
    if (model.figures === null) return;
    showAttention();
    showTiles(at("tiles"), model);
    showRoom(at("room"), model.figures);
    charts.draw();
  };

  for (const radio of document.querySelectorAll("input[name=range]")) {
    radio.addEventListener("change", () => charts.show(Number(radio.value)));
  }

  return {
    title: () => "Now",
    open() {
      showFigures();
      showChannels();
      streams.beat(model.connections);
    },
    beat(kind) {
      if (kind === "figures") showFigures();
      if (kind === "channels") showChannels();
      if (kind === "connections") streams.beat(model.connections);
    },
    close: () => streams.stop(),
    paint: () => charts.paint(),
  };
};
