// The charts, each with its newest values as text and a table of what it shows. uPlot draws the lines.

import { make, put, setAttribute } from "./dom.js";
import { axisTimes, bytes, count, rate, seconds } from "./text.js";

const HEIGHT = 150;
/** Room for the labels of an axis. */
const AXIS_SIZE = { x: 26, y: 58 };
/** Who wants less motion gets a new picture at this interval, in seconds. Else each second. */
const CALM_SECONDS = 5;
const CALM = matchMedia("(prefers-reduced-motion: reduce)");

/** Steps of an axis of bytes. */
const BYTE_STEPS = Array.from({ length: 40 }, (_, power) => 2 ** power);
/** A chart that has only begun shows this much, in seconds. */
const SPAN_MIN = 60;

/** A chart: its name, how its values are written, and its lines by their names in the series. Lines differ in dashes as well. */
const CHARTS = [
  { title: "Connections", format: count, floor: 4, lines: { all: "all", http1: "HTTP/1", http2: "HTTP/2", program: "program" } },
  { title: "Streams opened and closed a second", format: rate, floor: 1, lines: { opened: "opened", closed: "closed" } },
  { title: "Publishes a second", format: rate, floor: 1, lines: { publishes: "here", events: "events of all nodes" } },
  { title: "Deliveries a second", format: rate, floor: 1, lines: { deliveries: "deliveries" } },
  { title: "Bytes a second", format: bytes, floor: 1024, steps: BYTE_STEPS, lines: { bytes: "bytes" } },
  { title: "Publish to socket", format: seconds, floor: 0.0001, lines: { p50: "half within", p99: "99 % within" } },
  { title: "Drops a second", format: rate, floor: 1, lines: { dropped: "dropped", repaired: "made good", lost: "lost" } },
  { title: "Gaps and refusals a second", format: rate, floor: 1, lines: { gaps: "gaps", refusals: "refusals" } },
];
const DASHES = [[], [6, 4], [2, 3], [10, 3, 2, 3]];

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The extremes, the mean and the newest of values. Null if there is none. */
const summary = (values) => {
  let [lowest, highest, total, number] = [Infinity, -Infinity, 0, 0];
  for (const value of values) {
    if (value === null) continue;
    [lowest, highest] = [Math.min(lowest, value), Math.max(highest, value)];
    [total, number] = [total + value, number + 1];
  }
  const newest = values.at(-1) ?? null;
  return number === 0 ? null : { newest, lowest, mean: total / number, highest };
};

class Chart {
  #title;
  #format;
  #floor;
  #steps;
  #names;
  #labels;
  #plot = null;
  #picture = make("div", { className: "picture", role: "img" });
  #legend = make("ul", { className: "legend" });
  #rows;
  #details;
  #data = null;
  #seconds = 300;

  constructor(root, { title, format, floor, lines, steps }) {
    [this.#title, this.#format, this.#floor, this.#steps] = [title, format, floor, steps];
    [this.#names, this.#labels] = [Object.keys(lines), Object.values(lines)];
    this.#labels.forEach((label, index) => {
      const mark = make("span", { className: `mark line-${index}`, "aria-hidden": "true" });
      this.#legend.append(make("li", {}, mark, `${label} `, make("b")));
    });
    const heads = ["Line", "Newest", "Lowest", "Mean", "Highest"].map((text) => make("th", { scope: "col", textContent: text }));
    this.#rows = make("tbody");
    for (const label of this.#labels) {
      this.#rows.append(make("tr", {}, make("th", { scope: "row", textContent: label }), ...[1, 2, 3, 4].map(() => make("td"))));
    }
    const table = make(
      "table",
      {},
      make("caption", { className: "unseen", textContent: `${title}, in numbers` }),
      make("thead", {}, make("tr", {}, ...heads)),
      this.#rows,
    );
    this.#details = make("details", {}, make("summary", { textContent: "In numbers" }), table);
    this.#details.addEventListener("toggle", () => this.#write());
    root.append(
      make("div", { className: "card chart" }, make("h3", { textContent: title }), this.#picture, this.#legend, this.#details),
    );
    new ResizeObserver(() => this.#fit()).observe(this.#picture);
  }

  #fit() {
    const width = Math.floor(this.#picture.clientWidth);
    if (width > 0 && this.#plot !== null && this.#plot.width !== width) this.#plot.setSize({ width, height: HEIGHT });
  }

  /** Begins the picture again, in the colours of the page as they are now. */
  paint() {
    this.#plot?.destroy();
    this.#plot = null;
    if (this.#data !== null) this.draw(this.#data, this.#seconds);
  }

  #begin() {
    const axis = {
      stroke: color("--soft"),
      font: "12px system-ui, sans-serif",
      ticks: { show: false },
      grid: { stroke: color("--line"), width: 1 },
    };
    const lines = this.#names.map((_, index) => ({
      stroke: color(`--line-${index}`),
      width: 2,
      dash: DASHES[index],
      points: { show: false },
    }));
    this.#plot = new globalThis.uPlot(
      {
        width: Math.max(Math.floor(this.#picture.clientWidth), 100),
        height: HEIGHT,
        legend: { show: false },
        cursor: { drag: { setScale: false, x: false, y: false }, sync: { key: "now" } },
        padding: [8, 24, 0, 0],
        series: [{}, ...lines],
        scales: {
          x: { range: (plot) => this.#span(plot.data[0]) },
          y: { range: (_, __, highest) => [0, Math.max(this.#floor, (highest ?? 0) * 1.1)] },
        },
        axes: [
          { ...axis, size: AXIS_SIZE.x, space: 70, values: (_, splits) => axisTimes(splits) },
          {
            ...axis,
            size: AXIS_SIZE.y,
            space: 34,
            ...(this.#steps && { incrs: this.#steps }),
            values: (_, splits) => splits.map((value) => this.#label(value)),
          },
        ],
        hooks: { setCursor: [() => this.#write()] },
      },
      this.#data,
      this.#picture,
    );
  }

  /** Whole numbers stay so on an axis. */
  #label(value) {
    return this.#format === rate && Number.isInteger(value) ? count(value) : this.#format(value);
  }

  /** What is there, up to what is wanted. */
  #span(times) {
    const end = times.at(-1) ?? 0;
    return [end - Math.min(Math.max(end - (times[0] ?? 0), SPAN_MIN), this.#seconds), end];
  }

  draw(data, seconds) {
    [this.#data, this.#seconds] = [data, seconds];
    if (this.#plot === null) this.#begin();
    else this.#plot.setData(data);
    this.#write();
  }

  /** The values at the cursor, or the newest. */
  #write() {
    if (this.#data === null) return;
    const [times, ...columns] = this.#data;
    const index = this.#plot?.cursor.idx ?? null;
    const place = index === null || index >= times.length ? times.length - 1 : index;
    columns.forEach((column, line) => put(this.#legend.children[line].lastElementChild, this.#format(column[place] ?? null)));
    const all = columns.map(summary);
    const words = all.map((one, line) =>
      one === null
        ? `${this.#labels[line]}: nothing yet`
        : `${this.#labels[line]}: ${this.#format(one.newest)} now, ${this.#format(one.lowest)} to ${this.#format(one.highest)}`,
    );
    setAttribute(this.#picture, "aria-label", `${this.#title} in the last ${this.#seconds / 60} minutes. ${words.join(". ")}.`);
    if (!this.#details.open) return;
    all.forEach((one, line) => {
      const cells = this.#rows.children[line].children;
      ["newest", "lowest", "mean", "highest"].forEach((key, cell) => put(cells[cell + 1], this.#format(one?.[key] ?? null)));
    });
  }

  get names() {
    return this.#names;
  }
}

export class Charts {
  #charts;
  #series;
  #seconds = 300;
  #drawn = 0;

  constructor(root, series) {
    this.#charts = CHARTS.map((chart) => new Chart(root, chart));
    this.#series = series;
  }

  show(seconds) {
    this.#seconds = seconds;
    this.#drawn = 0;
    this.draw();
  }

  draw() {
    if (this.#series.length === 0) return;
    const now = Date.now();
    if (CALM.matches && now - this.#drawn < CALM_SECONDS * 1000) return;
    this.#drawn = now;
    for (const chart of this.#charts) chart.draw(this.#series.window(chart.names, this.#seconds), this.#seconds);
  }

  paint() {
    for (const chart of this.#charts) chart.paint();
  }
}
