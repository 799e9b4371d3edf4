// Streams: a table of connections, as many as asked for, sorted by the server.

import { read } from "./api.js";
import { address, make } from "./dom.js";
import { Table } from "./table.js";
import { bytes, count, shown, span } from "./text.js";

/** Rows that may be asked for. The first number is what the event stream brings. */
const ROWS = [20, 100, 500];
/** Longer tables are asked for less often, in beats of two seconds. */
const BEATS_OF_LONG = 5;

const COLUMNS = [
  {
    key: "connection",
    label: "No.",
    value: (row) => `#${row.connection}`,
    href: (row) => address("connection", row.connection),
  },
  {
    key: "client",
    label: "Client",
    value: (row) => shown(row.client),
    href: (row) => address("client", row.client),
    isText: true,
  },
  { key: "lag", label: "Behind", value: (row) => count(row.lag), isNumber: true, sort: "descending" },
  { key: "bytes", label: "Waiting", value: (row) => bytes(row.waiting_bytes), isNumber: true, sort: "descending" },
  { key: "state", label: "State", value: (row) => row.state },
  { key: "lost", label: "Lost", value: (row) => count(row.account.lost), isNumber: true },
  { key: "silent", label: "Silent for", value: (row) => span(row.silent_ms), isNumber: true, isWide: true },
  // The oldest have the lowest numbers.
  { key: "number", label: "Open for", value: (row) => span(row.age_ms), isNumber: true, sort: "descending" },
  { key: "transport", label: "Transport", value: (row) => row.transport, isWide: true },
  { key: "peer", label: "Address", value: (row) => (row.peer === null ? "–" : shown(row.peer)), isWide: true },
];

export class Streams {
  #filter = {};
  #sort = "lag";
  #limit = ROWS[0];
  #table;
  #question = null;
  #beats = 0;

  constructor(root, label, empty) {
    const select = make("select", {}, ...ROWS.map((rows) => make("option", { value: rows, textContent: rows })));
    select.addEventListener("change", () => {
      this.#limit = Number(select.value);
      this.refresh();
    });
    this.#table = new Table(root, {
      label,
      columns: COLUMNS,
      keyOf: (row) => row.connection,
      empty,
      onSort: (key) => {
        this.#sort = key;
        this.#table.sortedBy(key);
        this.refresh();
      },
    });
    this.#table.sortedBy(this.#sort);
    root.append(make("label", { className: "rows soft" }, "Rows at most ", select));
  }

  /** Only connections of a client or a channel: `{client: "ann"}`. Empties the table. */
  only(filter) {
    this.#filter = filter;
    this.#table.clear();
    this.#table.note("");
    this.refresh();
  }

  /** Whether the event stream has what the table shows. */
  #isLive() {
    return this.#sort === "lag" && this.#limit === ROWS[0] && Object.keys(this.#filter).length === 0;
  }

  /** Takes the newest rows of the event stream, or asks for others. */
  beat(rows) {
    this.#beats += 1;
    if (this.#isLive()) {
      this.stop();
      this.#show(rows);
    } else if (this.#limit === ROWS[0] || this.#beats % BEATS_OF_LONG === 0) {
      this.refresh();
    }
  }

  /** Asks the server, unless it still has to answer the same. */
  async refresh() {
    const path = `api/v1/connections?${new URLSearchParams({ sort: this.#sort, limit: this.#limit, ...this.#filter })}`;
    if (this.#question?.path === path) return;
    this.stop();
    const question = { path, abort: new AbortController() };
    this.#question = question;
    try {
      const { connections } = await read(path, { signal: question.abort.signal });
      if (this.#question === question) this.#show(connections);
    } catch (error) {
      if (this.#question === question) this.#table.note(`These rows are old: ${error.message}.`);
    } finally {
      if (this.#question === question) this.#question = null;
    }
  }

  /** Takes no answer any more. */
  stop() {
    this.#question?.abort.abort();
    this.#question = null;
  }

  #show(rows) {
    this.#table.note(rows.length === this.#limit ? `The first ${this.#limit} are shown. There may be more.` : "");
    this.#table.show(rows);
  }
}
