// Model: what the server has told, and what has changed within the last minute. In bounded memory.

import { Series } from "./series.js";
import { sum } from "./text.js";

/** Figures that are kept to compare with, one a second. */
const MARKS_MAX = 61;
const MINUTE_MS = 60_000;
/** Seconds are not counted to the millisecond. */
const WHOLE_MS = 58_000;
/** What lies further back says nothing about the last second. */
const SECONDS_MAX_MS = 5000;

/** Lines of all charts. */
export const LINES = [
  "all",
  "http1",
  "http2",
  "program",
  "opened",
  "closed",
  "publishes",
  "events",
  "deliveries",
  "bytes",
  "p50",
  "p99",
  "dropped",
  "repaired",
  "lost",
  "gaps",
  "refusals",
];

/** The bound below which this part of the observations lies. */
export const quantile = (buckets, part) => {
  const total = buckets.reduce((all, [, number]) => all + number, 0);
  let rest = Math.max(Math.ceil(total * part), 1);
  for (const [upper, number] of buckets) {
    rest -= number;
    if (rest <= 0) return upper;
  }
  return null;
};

/** What has been added to counts that only rise. */
const added = (now, before) =>
  Object.fromEntries(Object.entries(now).map(([name, number]) => [name, Math.max(number - (before[name] ?? 0), 0)]));

const addedBuckets = (now, before) => {
  const then = new Map(before);
  return now.map(([upper, number]) => [upper, Math.max(number - (then.get(upper) ?? 0), 0)]).filter(([, number]) => number > 0);
};

/** The part of the figures that is compared. */
const mark = (figures) => ({
  at: Date.parse(figures.at),
  deliveries: figures.deliveries,
  publishes: figures.publishes,
  gaps: figures.gaps,
  refusals: figures.refusals,
  closed: figures.closed,
  opened: figures.opened,
  buckets: figures.latency.publish_to_socket.buckets,
});

export class Model {
  figures = null;
  rates = null;
  state = { ready: true, draining: false, failure: null };
  channels = [];
  connections = [];
  series = new Series(LINES);
  /** How often the server has started again, as far as this page has seen. */
  restarts = 0;
  #marks = [];

  get marks() {
    return this.#marks.length;
  }

  /** Takes an event of the stream. */
  take(kind, data) {
    if (kind === "channels") this.channels = data.channels;
    if (kind === "connections") this.connections = data.connections;
    if (kind === "figures") this.#takeFigures(data);
  }

  #takeFigures({ figures, rates, ready, draining, failure }) {
    if (this.figures !== null && figures.uptime_ms < this.figures.uptime_ms) {
      this.#marks = [];
      this.restarts += 1;
    }
    this.figures = figures;
    this.rates = rates;
    this.state = { ready, draining, failure };
    const now = mark(figures);
    const last = this.#marks.at(-1);
    const before = last !== undefined && now.at - last.at < SECONDS_MAX_MS ? last : undefined;
    this.#marks.push(now);
    while (this.#marks.length > MARKS_MAX || now.at - this.#marks[0].at > MINUTE_MS) this.#marks.shift();
    this.series.push(now.at / 1000, this.#point(before, now));
  }

  #point(before, now) {
    const { connections } = this.figures;
    const second = before === undefined ? [] : addedBuckets(now.buckets, before.buckets);
    const rates = this.rates ?? {};
    return {
      all: sum(connections),
      http1: connections.http1 + connections.https1,
      http2: connections.http2 + connections.https2,
      program: connections.program,
      opened: rates.opened,
      closed: rates.closed,
      publishes: rates.publishes,
      events: rates.events,
      deliveries: rates.deliveries,
      bytes: rates.delivered_bytes,
      p50: quantile(second, 0.5),
      p99: quantile(second, 0.99),
      dropped: rates.dropped,
      repaired: rates.repaired,
      lost: rates.lost,
      gaps: rates.gaps,
      refusals: rates.refusals,
    };
  }

  /**
   * What has changed within the last minute, or since the page has been looking: `isWhole` tells. Null without figures.
   */
  lastMinute() {
    const [first, last] = [this.#marks[0], this.#marks.at(-1)];
    if (last === undefined) return null;
    const buckets = addedBuckets(last.buckets, first.buckets);
    return {
      isWhole: last.at - first.at >= WHOLE_MS,
      ...added(last.deliveries, first.deliveries),
      publishes: added(last.publishes, first.publishes),
      gaps: added(last.gaps, first.gaps),
      refusals: added(last.refusals, first.refusals),
      closed: added(last.closed, first.closed),
      opened: added(last.opened, first.opened),
      p50: quantile(buckets, 0.5),
      p99: quantile(buckets, 0.99),
    };
  }
}
