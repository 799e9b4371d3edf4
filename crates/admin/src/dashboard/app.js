// The dashboard: its event stream, its views, and which of them is seen. Each view is a part of the page
// whose id is `view-` and its name: an address alone moves neither the page nor the focus.

import { say, tidy } from "./act.js";
import { keepToken, whenRefused } from "./api.js";
import { channel } from "./channel.js";
import { client } from "./client.js";
import { connection } from "./connection.js";
import { at, put, setAttribute } from "./dom.js";
import { explain } from "./explain.js";
import { Feed } from "./feed.js";
import { find } from "./find.js";
import { Model } from "./model.js";
import { now } from "./now.js";
import { publish } from "./publish.js";
import { server } from "./server.js";
import { tail } from "./tail.js";
import { clock, plural } from "./text.js";

/** Figures come each second. A stream that is silent for longer is broken. */
const SILENCE_MS = 10_000;
const THEME = "fanfare-admin-theme";

const go = (href) => {
  location.hash = href;
};
const model = new Model();

const forget = () => {
  keepToken(null);
  feed.stop();
  askForToken(null);
};

const views = {
  now: now(model),
  find: find(go),
  channel: channel(),
  client: client(),
  connection: connection(),
  tail: tail(go),
  explain: explain(go),
  publish: publish(),
  server: server(model, forget),
};
let seen = null;
let isPaused = false;

// What is seen.

/** The view, the name and the query that an address asks for. */
const route = (hash) => {
  const [path, query = ""] = hash.slice(1).split(/\?(.*)/s);
  const [view, encoded = null] = path.split(/\/(.*)/s);
  let name = null;
  try {
    name = encoded === null ? null : decodeURIComponent(encoded);
  } catch {
    return null;
  }
  const needsName = ["channel", "client", "connection"].includes(view);
  return Object.hasOwn(views, view) && needsName === (name !== null && name !== "")
    ? { view, name, query: new URLSearchParams(query) }
    : null;
};

const show = (isFirst) => {
  const wanted = route(location.hash) ?? { view: "now", name: null, query: new URLSearchParams() };
  if (seen !== null && seen !== wanted.view) views[seen].close();
  seen = wanted.view;
  if (!at("view-login").hidden) return;
  for (const view of Object.keys(views)) at(`view-${view}`).hidden = view !== seen;
  for (const link of document.querySelectorAll("#views a")) {
    if (link.getAttribute("href") === `#${seen}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  views[seen].open(wanted.name, wanted.query);
  document.title = `${views[seen].title()} – Fanfare admin`;
  if (isFirst) return;
  tidy();
  scrollTo(0, 0);
  at(`${seen}-title`).focus();
};

// The token.

const askForToken = (wrong) => {
  if (seen !== null) views[seen].close();
  for (const view of Object.keys(views)) at(`view-${view}`).hidden = true;
  at("lost").hidden = true;
  at("view-login").hidden = false;
  document.title = "The admin token is needed – Fanfare admin";
  put(at("token-wrong"), wrong === null ? "" : `${wrong[0].toUpperCase()}${wrong.slice(1)}.`);
  setState("wait", "Token needed");
  at("token").focus();
};

at("login-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = at("token").value;
  if (!/^[!-~]+$/.test(token)) {
    put(at("token-wrong"), "A token has visible ASCII characters only, and no space.");
    return;
  }
  keepToken(token);
  put(at("token-wrong"), "");
  feed.start();
});

whenRefused(askForToken);

// The event stream.

const setState = (state, text) => {
  setAttribute(at("state"), "data-state", state);
  put(at("state"), text);
};

const live = () => (isPaused ? setState("wait", "Paused") : setState("good", "Live"));

let lostSince = null;
const feed = new Feed("api/v1/events", SILENCE_MS, {
  open() {
    lostSince = null;
    at("lost").hidden = true;
    live();
    if (!at("view-login").hidden) {
      at("view-login").hidden = true;
      at("token").value = "";
      show(false);
    }
  },
  event(kind, data) {
    const restarts = model.restarts;
    model.take(kind, data);
    if (model.restarts > restarts) say("The server has started again. Its counts begin at 0.");
    if (!isPaused && at("view-login").hidden) views[seen].beat(kind);
  },
  lost(failure, retryMs) {
    if (failure?.status === 401) return;
    lostSince ??= Date.now();
    setState("bad", "No connection");
    put(at("lost-since"), `No connection to the server since ${clock(lostSince)}. What you see is from before.`);
    const why = failure === null ? "" : `The reason: ${failure.message}. `;
    put(at("lost-next"), retryMs === null ? why : `${why}The next attempt is in ${plural(Math.ceil(retryMs / 1000), "second")}.`);
    at("lost").hidden = false;
  },
  away() {
    setState("wait", "Asleep");
  },
});
at("lost-try").addEventListener("click", () => feed.start());

// The controls.

at("pause").addEventListener("click", ({ currentTarget }) => {
  isPaused = !isPaused;
  currentTarget.setAttribute("aria-pressed", String(isPaused));
  if (lostSince === null) live();
  if (!isPaused) for (const kind of ["figures", "channels", "connections"]) views[seen].beat(kind);
});

at("skip").addEventListener("click", (event) => {
  event.preventDefault();
  at("main").focus();
});

const paint = (theme) => {
  if (theme === "") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.setAttribute("data-theme", theme);
  views.now.paint();
};
const kept = (() => {
  try {
    return localStorage.getItem(THEME) ?? "";
  } catch {
    return "";
  }
})();
at("theme").value = ["light", "dark"].includes(kept) ? kept : "";
at("theme").addEventListener("change", () => {
  const theme = at("theme").value;
  try {
    localStorage.setItem(THEME, theme);
  } catch {
    // It holds until the page is loaded again.
  }
  paint(theme);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => paint(at("theme").value));
paint(at("theme").value);

addEventListener("hashchange", () => show(false));
show(true);
feed.start();
