// The view `tail`: the events of channels as they come, the newest first. The list is bounded, and its elements are used again.

import { address, at, link, make, put } from "./dom.js";
import { Feed } from "./feed.js";
import { bytes, count, eventTime, plural, shown, shownLines } from "./text.js";

/** Events of the list. */
export const ITEMS_MAX = 200;
/** Characters of the data that are shown. */
const DATA_MAX = 4000;
/** The server says something every 15 seconds. */
const SILENCE_MS = 40_000;

const GAPS = {
  busy: "the reader was too slow",
  expired: "the history had let go of them",
  restart: "the server has started again",
  "unknown-id": "the id that the reader had is not known",
};

const target = (one) => {
  if (one.all) return make("span", { textContent: "everybody" });
  return one.client === undefined
    ? link(shown(one.channel), address("channel", one.channel))
    : make("span", {}, "client ", link(shown(one.client), address("client", one.client)));
};

/** One line: an event, a gap, or a note of this page. */
const fill = (item, { kind, data }) => {
  item.className = kind;
  const [head, body] = item.children;
  if (kind === "note") {
    head.replaceChildren(make("b", { textContent: data.title }));
    put(body, data.text);
    return;
  }
  if (kind === "gap") {
    const missed = data.missed === null ? "an unknown number of events" : plural(data.missed, "event");
    head.replaceChildren(make("b", { textContent: "Gap" }), make("span", { textContent: data.reason }));
    put(
      body,
      `${missed} lost: ${GAPS[data.reason] ?? data.reason}. After ${data.from ?? "an unknown event"}, up to ${data.to ?? "now"}.`,
    );
    return;
  }
  const parts = [make("time", { textContent: eventTime(data.id) }), ...data.targets.map(target)];
  if (data.event !== null) parts.push(make("span", { className: "kind", textContent: shown(data.event) }));
  parts.push(make("code", { textContent: data.own_id === null ? data.id : `${data.id}, own id ${shown(data.own_id)}` }));
  parts.push(link("Explain", address("explain", null, { event: data.id })));
  head.replaceChildren(...parts);
  const isCut = data.data.length > DATA_MAX || new TextEncoder().encode(data.data).length < data.data_bytes;
  const text = shownLines(data.data.slice(0, DATA_MAX));
  put(body, isCut ? `${text}\n… ${bytes(data.data_bytes)} in all` : text);
};

export const tail = (go) => {
  let feed = null;
  let names = [];
  /** Events that have come and are not in the list yet, the oldest first. */
  let waiting = [];
  let [isPaused, isDue, total, left] = [false, false, 0, 0];
  const list = at("tail-list");

  const say = (text) => put(at("tail-state"), text);
  const counted = () => {
    const kept = isPaused && waiting.length > 0 ? `, ${count(waiting.length)} behind the pause` : "";
    const surplus = left > 0 ? `, ${count(left)} not shown any more` : "";
    put(at("tail-count"), total === 0 ? "" : `${plural(total, "line")}${kept}${surplus}`);
  };

  const flush = () => {
    isDue = false;
    if (!isPaused) {
      for (const entry of waiting) {
        const old = list.children.length >= ITEMS_MAX ? list.lastElementChild : null;
        const item = old ?? make("li", {}, make("div", { className: "meta" }), make("pre"));
        if (old !== null) left += 1;
        fill(item, entry);
        list.prepend(item);
      }
      waiting = [];
    }
    counted();
  };

  const add = (kind, data) => {
    total += 1;
    waiting.push({ kind, data });
    if (waiting.length > ITEMS_MAX) {
      waiting.shift();
      left += 1;
    }
    if (isDue) return;
    isDue = true;
    // One picture for all that comes at once. A page that is hidden gets pictures rarely, so a timer.
    setTimeout(flush, 50);
  };

  const clear = () => {
    waiting = [];
    [total, left] = [0, 0];
    list.replaceChildren();
    counted();
  };

  const stop = (text) => {
    feed?.end();
    feed = null;
    at("tail-stop").hidden = true;
    say(text);
  };

  const start = () => {
    stop("");
    clear();
    const what = names.map(shown).join(", ");
    let [wasOpen, isBroken] = [false, false];
    say(`Waiting for the server.`);
    at("tail-stop").hidden = false;
    feed = new Feed(`api/v1/tail?${new URLSearchParams(names.map((name) => ["channel", name]))}`, SILENCE_MS, {
      open() {
        say(`Following ${what}. Events for everybody come too.`);
        if (wasOpen && isBroken)
          add("note", { title: "Back", text: "The tail was broken off. What was published meanwhile is not in this list." });
        [wasOpen, isBroken] = [true, false];
      },
      event: (kind, data) => add(kind, data),
      lost(failure, retryMs) {
        isBroken = true;
        if (retryMs === null) stop(`The server says: ${failure.message}.`);
        else say(`No connection${failure === null ? "" : `: ${failure.message}`}. Trying again.`);
      },
      away() {
        isBroken = true;
        say("Stopped while nobody looks.");
      },
    });
    feed.start();
  };

  at("tail-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = at("tail-names")
      .value.split("\n")
      .filter((name) => name !== "");
    const href = `#tail?${new URLSearchParams(wanted.map((name) => ["channel", name]))}`;
    if (location.hash === href) start();
    else go(href);
  });
  at("tail-stop").addEventListener("click", () => {
    stop("Stopped.");
    at("tail-start").focus();
  });
  at("tail-clear").addEventListener("click", clear);
  at("tail-pause").addEventListener("click", ({ currentTarget }) => {
    isPaused = !isPaused;
    currentTarget.setAttribute("aria-pressed", String(isPaused));
    flush();
  });
  at("tail-stop").hidden = true;

  return {
    title: () => (names.length > 0 ? `Tail of ${names.map(shown).join(", ")}` : "Tail"),
    open(_, query) {
      const wanted = query.getAll("channel");
      if (wanted.length === 0) return;
      const isSame = feed !== null && wanted.join("\n") === names.join("\n");
      names = wanted;
      at("tail-names").value = names.join("\n");
      if (!isSame) start();
    },
    beat() {},
    close: () => stop("Stopped, because the view was left."),
  };
};
