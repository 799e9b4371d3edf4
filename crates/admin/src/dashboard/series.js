// Series: what the charts show, one point a second, for an hour at most.

/** Points of a chart. */
export const POINTS_MAX = 3600;
/** Points that are further apart have a hole between them. In seconds. */
const HOLE = 5;

export class Series {
  #names;
  /** Times in Unix seconds, and a column of values for each name. Null is a hole. */
  #times = [];
  #columns;

  constructor(names) {
    this.#names = names;
    this.#columns = names.map(() => []);
  }

  get length() {
    return this.#times.length;
  }

  /** Adds a point. A clock that was set back begins anew, because times of a chart rise. */
  push(time, values) {
    const last = this.#times.at(-1);
    if (last !== undefined && time <= last) {
      if (last - time < HOLE) return;
      this.clear();
    } else if (last !== undefined && time - last > HOLE) {
      this.#append(last + 1, {});
    }
    this.#append(time, values);
    const old = this.#times.findIndex((one) => one > time - POINTS_MAX);
    const surplus = Math.max(old, this.#times.length - POINTS_MAX);
    if (surplus > 0) for (const column of [this.#times, ...this.#columns]) column.splice(0, surplus);
  }

  clear() {
    for (const column of [this.#times, ...this.#columns]) column.length = 0;
  }

  #append(time, values) {
    this.#times.push(time);
    this.#names.forEach((name, index) => this.#columns[index].push(values[name] ?? null));
  }

  /** Times and columns of the last `seconds`, as uPlot takes them. */
  window(names, seconds) {
    const from = (this.#times.at(-1) ?? 0) - seconds;
    const first = Math.max(
      this.#times.findIndex((time) => time >= from),
      0,
    );
    const columns = names.map((name) => this.#columns[this.#names.indexOf(name)]);
    return [this.#times, ...columns].map((column) => column.slice(first));
  }
}
