// Table: rows that come again and again. Rows are told apart by a key and their elements are used again. While somebody points at a row,
// or has the focus in it, rows stay where they are: what is pressed is what was seen.

import { link, make, put, setAttribute } from "./dom.js";

/** Elements of rows that are kept for later. */
const SPARE_MAX = 50;
const CAN_HOVER = matchMedia("(hover: hover)");

export class Table {
  #columns;
  #keyOf;
  #body = make("tbody");
  #note = make("p", { className: "note soft" });
  #box;
  #empty;
  #heads = new Map();
  #rows = [];
  #elements = new Map();
  #spare = [];

  /**
   * A column: `{key, label, value(row), href(row), isNumber, isText, isWide, sort}`. `sort` is the direction of its button, if it has one.
   * Wide columns are left out on a phone. `onSort(key)` is called by the buttons.
   */
  constructor(root, { label, columns, keyOf, empty, onSort }) {
    this.#columns = columns;
    this.#keyOf = keyOf;
    const heads = columns.map((column) => this.#head(column, onSort));
    const table = make(
      "table",
      {},
      make("caption", { className: "unseen", textContent: label }),
      make("thead", {}, make("tr", {}, ...heads)),
      this.#body,
    );
    this.#box = make("div", { className: "scroll", tabIndex: 0, role: "group", "aria-label": label, hidden: true }, table);
    this.#empty = make("p", { className: "soft", textContent: empty });
    root.append(this.#box, this.#empty, this.#note);
    for (const kind of ["mouseleave", "focusout"]) {
      // Once the focus is where it goes.
      this.#body.addEventListener(kind, () => setTimeout(() => this.show(this.#rows)));
    }
  }

  #head(column, onSort) {
    const cell = make("th", { scope: "col", className: this.#classOf(column) });
    if (column.sort) {
      const button = make("button", { type: "button", className: "sort", textContent: column.label });
      button.addEventListener("click", () => onSort(column.key));
      cell.append(button);
      this.#heads.set(column.key, [cell, column.sort]);
    } else {
      cell.textContent = column.label;
    }
    return cell;
  }

  #classOf = ({ isNumber, isText, isWide }) =>
    [isNumber && "number", isText && "text", isWide && "wide"].filter(Boolean).join(" ");

  /** Says by which column the rows are sorted. */
  sortedBy(key) {
    for (const [one, [cell, direction]] of this.#heads) {
      if (one === key) setAttribute(cell, "aria-sort", direction);
      else cell.removeAttribute("aria-sort");
    }
  }

  note(text) {
    put(this.#note, text);
  }

  get #isHeld() {
    if (this.#elements.size === 0) return false;
    return this.#body.contains(document.activeElement) || (CAN_HOVER.matches && this.#body.matches(":hover"));
  }

  /** Takes all rows away, also those that somebody points at: what comes next is about something else. */
  clear() {
    this.#elements = new Map();
    this.#body.replaceChildren();
    this.show([]);
  }

  show(rows) {
    this.#rows = rows;
    if (this.#isHeld) {
      for (const row of rows) {
        const element = this.#elements.get(String(this.#keyOf(row)));
        if (element !== undefined) this.#fill(element, row);
      }
      return;
    }
    const before = this.#elements;
    this.#elements = new Map();
    for (const row of rows) {
      const key = String(this.#keyOf(row));
      const known = before.get(key);
      before.delete(key);
      this.#elements.set(key, known);
    }
    this.#spare.push(...before.values());
    rows.forEach((row, index) => {
      const key = String(this.#keyOf(row));
      const element = this.#elements.get(key) ?? this.#spare.pop() ?? this.#newRow();
      this.#elements.set(key, element);
      this.#fill(element, row);
      const there = this.#body.children[index];
      if (there !== element) this.#body.insertBefore(element, there ?? null);
    });
    while (this.#body.children.length > rows.length) this.#body.lastElementChild.remove();
    this.#spare.length = Math.min(this.#spare.length, SPARE_MAX);
    this.#box.hidden = rows.length === 0;
    this.#empty.hidden = rows.length > 0;
  }

  #newRow() {
    const cells = this.#columns.map((column, index) =>
      make(index === 0 ? "th" : "td", index === 0 ? { scope: "row" } : {}, column.href ? link("", "") : ""),
    );
    cells.forEach((cell, index) => {
      cell.className = this.#classOf(this.#columns[index]);
    });
    return make("tr", {}, ...cells);
  }

  #fill(element, row) {
    this.#columns.forEach((column, index) => {
      const cell = element.children[index];
      const text = column.value(row);
      if (column.href) {
        put(cell.firstElementChild, text);
        setAttribute(cell.firstElementChild, "href", column.href(row));
      } else {
        put(cell, text);
      }
    });
  }
}
