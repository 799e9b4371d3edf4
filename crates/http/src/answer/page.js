// The demo page: what it follows, what came, what was published, and the same as code.

const SHOWN_MAX = 200;
const TEXT_SHOWN_MAX = 10_000;
const DELAYS_MAX = 1000;
const LISTENERS_MAX = 5;
const DRAW_EVERY_MS = 30;
const GAP = "fanfare.gap", CURSOR = "fanfare.cursor";
const WHY_MISSING = {
  busy: "This stream was open and too slow.",
  expired: "The page was away for longer than the server keeps events.",
  restart: "The server was started again and does not have what was before.",
  "unknown-id": "The server does not know the last event that this page had.",
};

const element = (id) => document.getElementById(id);
const names = (text) => text.split(",").map((name) => name.trim()).filter((name) => name !== "");
const follow = element("follow").elements, publish = element("publish").elements;

// Following.

let stream = null;
let streamQuery = "";
let isWanted = false;
let lifeOfStream = 0;

function setState(state, text) {
  element("state").dataset.state = state;
  element("state").textContent = text;
  element("toggle").textContent = isWanted ? "Disconnect" : "Connect";
}

function subscription() {
  const query = new URLSearchParams();
  names(follow.channels.value).forEach((channel) => query.append("channel", channel));
  if (follow.id.value !== "") query.set("id", follow.id.value);
  return query;
}

function connect() {
  const query = subscription();
  const text = String(query);
  // After "Disconnect" the same stream goes on behind what the page has.
  const lastId = stream !== null && text === streamQuery ? stream.lastId : "";
  stop();
  // What the address of the page says is what it follows, so that a link carries it.
  history.replaceState(null, "", text === "" ? location.pathname : `?${text}`);
  [streamQuery, isWanted] = [text, true];
  setState("connecting", "connecting");
  // So that nothing is missed if the connection breaks before its first event.
  query.set("heartbeat", "cursor");
  // So that each event says which channel it came on.
  query.set("envelope", "json");
  const life = lifeOfStream;
  const isThis = (tell) => (...what) => { if (life === lifeOfStream) tell(...what); };
  stream = new EventStream(`sse?${query}`, lastId, {
    opened: isThis(() => setState("open", "connected")),
    lost: isThis(() => { awaited.clear(); setState("connecting", "reconnecting"); }),
    refused: isThis((reason) => {
      isWanted = false;
      setState("refused", `refused: ${reason}`);
      element("follow-fields").open = true;
    }),
    event: isThis(take),
  });
  showForms();
}

function stop() {
  stream?.close();
  lifeOfStream += 1;
  awaited.clear();
  isWanted = false;
}

function disconnect() {
  stop();
  setState("closed", "disconnected");
  showForms();
}

// Events, the newest first.

let count = 0;
let waiting = []; // Those that are not drawn yet, the oldest first.
let drawnAt = -DRAW_EVERY_MS;
const types = new Set();

function take(message) {
  if (message.type === CURSOR) return;
  const event = message.type === GAP ? message : opened(message);
  count += 1;
  waiting.push({ ...event, at: new Date() });
  if (waiting.length > SHOWN_MAX) waiting.shift();
  if (waiting.length === 1) setTimeout(draw, Math.max(0, drawnAt + DRAW_EVERY_MS - performance.now()));
  if (event.type !== "message" && event.type !== GAP && types.size < LISTENERS_MAX && !types.has(event.type)) {
    types.add(event.type);
    showCode();
  }
}

function opened(message) {
  const { channel, event: type = "message", data } = JSON.parse(message.data);
  return { ...message, type, data, channel };
}

// Many at once: a flood of events would leave no time for anything else.
function draw() {
  const list = element("events");
  waiting.forEach((event) => list.prepend(item(event)));
  drawnAt = performance.now();
  waiting.forEach(({ id }) => { if (id !== null) measure(id); });
  waiting = [];
  while (list.children.length > SHOWN_MAX) list.lastChild.remove();
  element("empty").hidden = count > 0;
  element("count").textContent = count;
}

function item({ type, data, id, at, channel }) {
  const item = document.createElement("li");
  const meta = append(item, "div", "meta");
  if (type !== "message") append(meta, "span", "kind", type);
  if (channel !== undefined) append(meta, "span", "channel", `channel ${channel}`);
  append(meta, "span", "time", at.toLocaleTimeString());
  if (id !== null) append(meta, "span", "id", id);
  if (type === GAP) showGap(item, data);
  if (/^data:image\/[a-z0-9.+-]+;base64,/i.test(data)) showImage(item, data);
  else showText(item, data);
  return item;
}

function showGap(item, data) {
  item.classList.add("gap");
  const { missed, reason } = JSON.parse(data);
  const what = missed === null ? "Events may be missing here." : `Missing here: ${missed.toLocaleString()}.`;
  append(item, "p", "why", `${what} ${WHY_MISSING[reason] ?? ""}`);
}

function showImage(item, data) {
  const image = append(item, "img", "");
  image.alt = `a published image, ${data.slice("data:".length, data.indexOf(";"))}`;
  image.onerror = () => { image.remove(); showText(item, data); };
  image.src = data;
}

function showText(item, data) {
  append(item, "pre", "", data.slice(0, TEXT_SHOWN_MAX));
  const rest = data.length - TEXT_SHOWN_MAX;
  if (rest > 0) append(item, "p", "note", `and ${rest.toLocaleString()} more characters`);
}

function append(parent, tag, name, text = "") {
  const child = parent.appendChild(document.createElement(tag));
  child.className = name;
  child.textContent = text;
  return child;
}

// How long it takes from "Publish" until the event is on this page, by this browser's clock alone. An event may be here
// before the answer that says its id.

let underway = 0;
let delays = [];
const awaited = new Map(); // When those that have been answered and are not here were published.
const early = new Map(); // When those that came during a publish were drawn.

function measure(id) {
  if (awaited.has(id)) tellDelay(drawnAt - awaited.get(id));
  else if (underway > 0) early.set(id, drawnAt);
  awaited.delete(id);
  if (early.size > DELAYS_MAX) early.delete(early.keys().next().value);
}

function tellDelay(ms) {
  delays.push(Math.round(ms));
  if (delays.length > DELAYS_MAX) delays.shift();
  const sorted = [...delays].sort((a, b) => a - b);
  const median = delays.length > 1 ? `; median of ${delays.length}: ${sorted[sorted.length >> 1]} ms` : "";
  element("latency").textContent = `From Publish to the event in the list: ${delays.at(-1)}\u00a0ms${median}`;
  element("latency").hidden = false;
}

// Publishing.

// A name that would not arrive as one segment of a path stands in the query.
const isSegment = (name) => !/^\.{1,2}$|\//.test(name);

function publishPath(name) {
  const query = publish.kind.value === "" ? "" : `?${new URLSearchParams({ event: publish.kind.value })}`;
  const to = publish.to.value;
  if (to === "all") return `broadcast${query}`;
  if (isSegment(name)) return `${to}s/${encodeURIComponent(name)}${query}`;
  return `publish?${new URLSearchParams({ [to]: name })}${query.replace("?", "&")}`;
}

async function send() {
  const [to, name] = [publish.to.value, publish.target.value];
  const headers = publish.key.value === "" ? {} : { authorization: `Bearer ${publish.key.value}` };
  const body = publish.file.files[0] ?? publish.text.value;
  const start = performance.now();
  underway += 1;
  try {
    const response = await fetch(publishPath(name), { method: "POST", headers, body });
    if (!response.ok) return await showRefusal(response);
    const text = (await response.text()).trim();
    const { id, matched } = JSON.parse(text);
    publish.file.value = "";
    if (awaited.size >= DELAYS_MAX) awaited.clear();
    if (early.has(id)) tellDelay(early.get(id) - start);
    else if (isWanted) awaited.set(id, start);
    showAnswer("", reached(to, name, matched), `${response.status} ${text}`);
    if (matched === 0) showCure(to, name);
  } catch (error) {
    const why = error instanceof TypeError ? "the server does not answer" : error.message;
    showAnswer("bad", `Not known whether it was published: ${why}.`);
  } finally {
    underway -= 1;
    if (underway === 0) early.clear();
    showForms();
    element("answer").scrollIntoView({ block: "nearest" });
  }
}

function reached(to, name, matched) {
  const whose = { all: "Open streams", channel: `Streams that follow ${name}`, client: `Streams of the client ${name}` };
  return `Published. ${whose[to]}: ${matched.toLocaleString()}.`;
}

// What it means that an event reached no stream, and what to do about it.
function showCure(to, name) {
  const none = {
    all: "No stream is open", channel: `No open stream follows the channel ${name}`,
    client: `No open stream has the client id ${name}`,
  };
  const text = `${none[to]}: nobody got the event live. A client that comes back gets it while it is kept in history.`;
  const answer = element("answer"), json = answer.lastChild;
  answer.insertBefore(append(answer, "p", "cure", text), json);
  const channels = names(follow.channels.value);
  const isFollowed = { all: true, channel: channels.includes(name), client: follow.id.value === name }[to];
  if (isFollowed && isWanted) return;
  const what = isFollowed ? "Connect" : to === "channel" ? `Follow ${name}` : `Follow as ${name}`;
  const cure = append(answer, "button", "second", what);
  cure.type = "button";
  cure.addEventListener("click", () => {
    if (to === "channel" && !isFollowed) follow.channels.value = [...channels, name].join(", ");
    if (to === "client") follow.id.value = name;
    cure.remove();
    element("send").focus();
    connect();
  });
  answer.insertBefore(cure, json);
}

async function showRefusal(response) {
  const text = await response.clone().text();
  showAnswer("bad", `Not published: ${await told(response)}`, `${response.status} ${text}`);
  if (response.status !== 401) return;
  element("key").hidden = false;
  append(element("answer"), "p", "cure", "Write the publish key into the field above, and publish again.");
  publish.key.focus();
}

// A sentence, and the answer itself.
function showAnswer(name, sentence, text = "") {
  element("answer").replaceChildren();
  append(element("answer"), "p", name, sentence);
  append(element("answer"), "pre", "", text.slice(0, TEXT_SHOWN_MAX));
}

// The same as code.

const base = new URL(".", location.href).href;
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
// It may be put into a page's own <script>.
const literal = (text) => JSON.stringify(text).replaceAll("<", "\\u003c");

function streamAddress() {
  const channels = names(follow.channels.value);
  const query = subscription();
  const inPath = channels.length === 1 && isSegment(channels[0]);
  if (inPath) query.delete("channel");
  const path = inPath ? `channels/${encodeURIComponent(channels[0])}` : "sse";
  return `${base}${path}${String(query) === "" ? "" : `?${query}`}`;
}

function script() {
  const listed = [...new Set([publish.kind.value, ...types])].filter((type) => type !== "" && type !== "message");
  const listeners = (listed.length > 0 ? listed : ["TYPE"])
    .map((type) => `events.addEventListener(${literal(type)}, (event) => console.log(event.type, event.data));`);
  return [
    `const events = new EventSource(${literal(streamAddress())});`,
    "// Events without a type.",
    "events.onmessage = (event) => console.log(event.lastEventId, event.data);",
    listed.length > 0 ? "// Each type needs a listener of its own." : "// Each type needs a listener of its own: write the type for TYPE.",
    ...listeners,
    "// This stream has missed events that it will not get: load the page's state anew.",
    `events.addEventListener("${GAP}", (event) => console.log(event.type, event.data));`,
  ].join("\n");
}

function curlPublish() {
  const file = publish.file.files[0];
  const words = ["curl"];
  // Else curl takes the text for the name of a file.
  const option = publish.text.value.startsWith("@") ? "--data-raw" : "-d";
  if (file) words.push("--data-binary", quoted(`@${file.name}`), "-H", quoted(`Content-Type: ${file.type || "application/octet-stream"}`));
  else words.push(option, quoted(publish.text.value));
  if (!element("key").hidden) words.push("-H", '"Authorization: Bearer $FANFARE_PUBLISH_KEY"');
  return [...words, quoted(base + publishPath(publish.target.value || "NAME"))].join(" ");
}

function showCode() {
  element("script").textContent = script();
  element("curl-follow").textContent = `curl -N ${quoted(streamAddress())}`;
  element("curl-publish").textContent = curlPublish();
}

// What depends on what is typed.
function showForms() {
  const channels = names(follow.channels.value).map((name) => `channel ${name}`);
  const client = follow.id.value === "" ? [] : [`client ${follow.id.value}`];
  element("followed").textContent = ["broadcasts", ...channels, ...client].join(", ");
  element("apply").hidden = !isWanted || String(subscription()) === streamQuery;
  showCode();
}

// The text is selected in any case: a page that did not come over https or from this machine may not use the clipboard.
async function copy(id) {
  getSelection().selectAllChildren(element(id));
  const isCopied = await (navigator.clipboard?.writeText(element(id).textContent) ?? Promise.reject())
    .then(() => true, () => document.execCommand("copy"));
  element("copied").textContent = isCopied ? "Copied." : "Selected. Copy it with Ctrl+C or the menu of the browser.";
}

element("toggle").addEventListener("click", () => (isWanted ? disconnect() : connect()));
element("follow").addEventListener("submit", (event) => { event.preventDefault(); connect(); });
element("follow").addEventListener("input", showForms);
element("publish").addEventListener("submit", (event) => { event.preventDefault(); send(); });
element("publish").addEventListener("input", showForms);
publish.to.addEventListener("change", () => {
  const to = publish.to.value;
  element("target").hidden = to === "all";
  publish.target.required = to !== "all";
  element("target-text").textContent = to === "client" ? "Client id" : "Channel";
  publish.target.value = { channel: names(follow.channels.value)[0], client: follow.id.value }[to] ?? "";
  showForms();
});
element("clear").addEventListener("click", () => {
  [count, waiting] = [0, []];
  element("events").replaceChildren();
  draw();
});
document.querySelectorAll("[data-copies]").forEach((button) => {
  button.addEventListener("click", () => copy(button.dataset.copies));
});

const asked = new URLSearchParams(location.search);
follow.channels.value = asked.getAll("channel").join(", ");
follow.id.value = asked.get("id") ?? "";
element("example").textContent = `curl -d 'hello' ${base}broadcast`;
// On a phone the events should be in sight.
element("follow-fields").open = matchMedia("(min-width: 52rem)").matches;
connect();
