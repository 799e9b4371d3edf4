// The view `find`: names of clients and channels from a place on, page by page. Without a text from the beginning.

import { read } from "./api.js";
import { address, at, link, make, put } from "./dom.js";
import { count, plural, shown } from "./text.js";

/** Names of a page. */
const PAGE = 20;
/** The largest number of a connection. */
const NUMBER_MAX = Number.MAX_SAFE_INTEGER;

/** The names of one kind that begin with a text. */
class Names {
  #root;
  #kind;
  #kinds;
  #question = null;

  constructor(root, kind) {
    [this.#root, this.#kind, this.#kinds] = [root, kind, `${kind}s`];
  }

  /** The first page, or the one behind `after`. A text that is a whole name may not be in the list: it is always offered. */
  async show(text, after = text) {
    this.stop();
    const abort = new AbortController();
    this.#question = abort;
    const query = new URLSearchParams({ limit: PAGE, ...(after !== "" && { after }) });
    try {
      const page = await read(`api/v1/${this.#kinds}?${query}`, { signal: abort.signal });
      if (this.#question === abort) this.#list(text, page, after === text);
    } catch (error) {
      if (this.#question === abort) this.#root.replaceChildren(make("p", { className: "bad", textContent: `${error.message}.` }));
    }
  }

  stop() {
    this.#question?.abort();
    this.#question = null;
  }

  #list(text, { [this.#kinds]: found, next }, isFirst) {
    const matching = found.filter((one) => one[this.#kind].startsWith(text));
    const items = matching.map((one) =>
      make(
        "li",
        {},
        link(shown(one[this.#kind]), address(this.#kind, one[this.#kind])),
        make("span", { className: "soft", textContent: ` ${plural(one.connections, "stream")}` }),
      ),
    );
    const parts = [];
    if (isFirst && text !== "")
      parts.push(make("p", {}, link(`Open the ${this.#kind} ${shown(text)}`, address(this.#kind, text))));
    const none = text === "" ? `No ${this.#kind} is there.` : `No other name begins like that.`;
    parts.push(
      items.length > 0 ? make("ul", { className: "names" }, ...items) : make("p", { className: "soft", textContent: none }),
    );
    if (next !== null && matching.length === found.length) {
      const more = make("button", { type: "button", className: "second", textContent: `The next ${count(PAGE)}` });
      more.addEventListener("click", async () => {
        await this.show(text, next);
        this.#root.tabIndex = -1;
        this.#root.focus();
      });
      parts.push(more);
    }
    this.#root.replaceChildren(...parts);
  }
}

export const find = (go) => {
  const clients = new Names(at("find-clients"), "client");
  const channels = new Names(at("find-channels"), "channel");
  const field = at("find-text");

  at("find-form").addEventListener("submit", (event) => {
    event.preventDefault();
    go(address("find", null, field.value === "" ? {} : { name: field.value }));
  });

  return {
    title: () => "Find",
    open(_, query) {
      const text = query.get("name") ?? "";
      field.value = text;
      clients.show(text);
      channels.show(text);
      const isNumber = /^\d+$/.test(text) && Number(text) <= NUMBER_MAX;
      const line = at("find-connection");
      line.hidden = !isNumber;
      line.replaceChildren();
      if (isNumber) line.append(link(`Open the connection #${text}`, address("connection", text)));
      else put(line, "");
    },
    beat() {},
    close() {
      clients.stop();
      channels.stop();
    },
  };
};
