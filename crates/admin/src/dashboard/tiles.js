// The big figures, and the room that is used of each limit.

import { room } from "./attention.js";
import { make, put, setAttribute } from "./dom.js";
import { bytes, count, list, plural, rate, seconds, span, sum } from "./text.js";

/** The time that is compared. A page that has just been opened knows less than a minute. */
const when = (isWhole) => (isWhole ? "in the last minute" : "seen so far");

/** A count since the start, and what was added within the last minute, which is what one looks for. */
const counted = (isWhole, title, total, minute, details, level) => ({
  title,
  big: count(total),
  sub: [minute > 0 ? `${count(minute)} ${when(isWhole)}` : isWhole ? "none in the last minute" : "none seen yet", details],
  level: minute > 0 ? level : "",
});

/** What a restart does to events. */
const JOURNALS = { memory: "a restart forgets all events", disk: "a restart loses nothing", redis: "a restart loses nothing" };

/** What each tile says now. Always the same tiles, in the same order. */
const tiles = (model) => {
  const { figures, rates } = model;
  const minute = model.lastMinute();
  const { deliveries, unanswered } = figures;
  const trouble = figures.trouble !== null;
  const isSlow = unanswered.oldest_ms > 1000;
  return [
    {
      title: "Connections",
      big: count(sum(figures.connections)),
      sub: [list(figures.connections, 5), `${plural(figures.clients, "client")}, ${plural(figures.channels, "channel")}`],
    },
    {
      title: "Publishes a second",
      big: rate(rates?.publishes),
      sub: [`${rate(rates?.events)} events from all nodes`, `${count(figures.events)} events since the start`],
    },
    {
      title: "Deliveries a second",
      big: rate(rates?.deliveries),
      sub: [`${count(deliveries.written)} since the start`, `${count(deliveries.replayed)} older ones given at a start`],
    },
    {
      title: "Bytes a second",
      big: bytes(rates?.delivered_bytes),
      sub: [`${bytes(deliveries.written_bytes)} since the start`, ""],
    },
    {
      title: "Publish to socket, 99 %",
      big: seconds(minute.p99 ?? figures.latency.publish_to_socket.p99),
      sub: [
        minute.p99 === null ? "since the start" : when(minute.isWhole),
        `half within ${seconds(minute.p50 ?? figures.latency.publish_to_socket.p50)}`,
      ],
      level: minute.p99 > 1 ? "warn" : "",
    },
    counted(
      minute.isWhole,
      "Dropped",
      deliveries.dropped,
      minute.dropped,
      `${count(deliveries.repaired)} made good by the history`,
      "warn",
    ),
    counted(minute.isWhole, "Lost", deliveries.lost, minute.lost, "The streams are told a gap", "bad"),
    counted(minute.isWhole, "Gaps", sum(figures.gaps), sum(minute.gaps), list(figures.gaps, 4, ""), "warn"),
    counted(minute.isWhole, "Refusals", sum(figures.refusals), sum(minute.refusals), list(figures.refusals, 3, ""), "warn"),
    {
      title: "Journal",
      big: trouble ? "in trouble" : figures.journal,
      sub: [
        unanswered.publishes > 0
          ? `${plural(unanswered.publishes, "publish", "publishes")} without an answer, the oldest for ${span(unanswered.oldest_ms)}`
          : "every publish has its answer",
        trouble ? "publishes are refused" : (figures.shared && "shared with other nodes") || (JOURNALS[figures.journal] ?? ""),
      ],
      level: trouble ? "bad" : isSlow ? "warn" : "",
    },
  ];
};

const LEVELS = { warn: "▲ needs a look", bad: "■ bad" };

export const showTiles = (root, model) => {
  tiles(model).forEach(({ title, big, sub, level = "" }, index) => {
    const tile =
      root.children[index] ??
      root.appendChild(
        make(
          "div",
          { className: "tile" },
          make("dt"),
          make("dd", { className: "big" }),
          make("dd"),
          make("dd"),
          make("dd", { className: "level" }),
        ),
      );
    const [term, value, first, second, mark] = tile.children;
    put(term, title);
    put(value, big);
    put(first, sub[0]);
    put(second, sub[1]);
    put(mark, LEVELS[level] ?? "");
    setAttribute(tile, "data-level", level);
  });
};

export const showRoom = (root, figures) => {
  room(figures).forEach(({ label, used, max, format }, index) => {
    const row =
      root.children[index] ??
      root.appendChild(
        make(
          "div",
          {},
          make("dt"),
          make(
            "dd",
            {},
            make("span"),
            make("div", { className: "meter", role: "meter", "aria-valuemin": 0, "aria-valuemax": 100 }, make("div")),
          ),
        ),
      );
    const part = max > 0 ? Math.min(used / max, 1) : 0;
    const [term, value] = row.children;
    const [text, meter] = value.children;
    put(term, label);
    put(text, max > 0 ? `${format(used)} of ${format(max)}` : format(used));
    setAttribute(meter, "aria-label", label);
    setAttribute(meter, "aria-valuenow", String(Math.round(part * 100)));
    setAttribute(meter, "aria-valuetext", text.textContent);
    setAttribute(meter, "data-level", part >= 0.95 ? "bad" : part >= 0.8 ? "warn" : "");
    meter.firstElementChild.style.width = `${(part * 100).toFixed(1)}%`;
  });
};
