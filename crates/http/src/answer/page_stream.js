// Reads event streams for the demo page, as the HTML standard says (9.2), with fetch(). An EventSource tells only of the
// event types that it was asked for, and the page shows all. It knows no element of the page.
"use strict";

const EVENT_STREAM = "text/event-stream";
// How long it waits before it connects again, until the stream says how long.
const RETRY_MS = 3000;
// What a server or a proxy in between answers for a while.
const PASSING_STATUSES = [408, 429, 502, 503, 504];

// Takes the text of one stream piece by piece. At the end of each block it calls `take(event, lastId)`: the event is
// `{ type, data, id }`, or null for a block without data; `id` is null where the event itself has none; `lastId` is what a
// client sends to come back behind the block. `delay(ms)` is called at each `retry:`.
class EventParser {
  #take; #delay;
  #rest = ""; #endsInCr = false;
  #type = ""; #data = []; #id = null; #lastId;

  constructor(lastId, take, delay) {
    [this.#lastId, this.#take, this.#delay] = [lastId, take, delay];
  }

  push(text) {
    // A line ends at its CR: the LF of a CRLF may come in the next piece, or never.
    const isRestOfCrLf = this.#endsInCr && text.startsWith("\n");
    if (text !== "") this.#endsInCr = text.endsWith("\r");
    const lines = (isRestOfCrLf ? text.slice(1) : text).split(/\r\n|\r|\n/);
    lines[0] = this.#rest + lines[0];
    this.#rest = lines.pop();
    for (const line of lines) this.#line(line);
  }

  #line(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (name === "event") this.#type = value;
    else if (name === "data") this.#data.push(value);
    else if (name === "id" && !value.includes("\0")) this.#id = value;
    else if (name === "retry" && /^[0-9]+$/.test(value)) this.#delay(Number(value));
  }

  #dispatch() {
    const [type, data, id] = [this.#type || "message", this.#data, this.#id];
    [this.#type, this.#data, this.#id] = ["", [], null];
    if (id !== null) this.#lastId = id;
    this.#take(data.length === 0 ? null : { type, data: data.join("\n"), id }, this.#lastId);
  }
}

// A stream that comes back by itself behind what it had, as an EventSource does, until it is closed or refused. `tell` has
// the functions `opened()`, `lost()`, `refused(reason)` and `event(event)`.
class EventStream {
  lastId;
  #address; #tell;
  #retryMs = RETRY_MS;
  #end = new AbortController();

  constructor(address, lastId, tell) {
    [this.#address, this.lastId, this.#tell] = [address, lastId, tell];
    this.#run();
  }

  close() {
    this.#end.abort();
  }

  async #run() {
    while (!this.#end.signal.aborted) {
      const reason = await this.#read();
      if (this.#end.signal.aborted) return;
      if (reason !== null) return this.#tell.refused(reason);
      this.#tell.lost();
      await new Promise((resolve) => setTimeout(resolve, this.#retryMs));
    }
  }

  // To the end of the connection. Gives the reason if it makes no sense to connect again.
  async #read() {
    const { signal } = this.#end;
    const options = { headers: { accept: EVENT_STREAM }, cache: "no-store", signal };
    const response = await fetch(this.#addressBehind(this.lastId), options).catch(() => null);
    if (response === null || PASSING_STATUSES.includes(response.status)) return null;
    const reason = await whyRefused(response);
    if (reason !== null || signal.aborted) return reason;
    this.#tell.opened();
    const parser = new EventParser(this.lastId, (event, lastId) => {
      this.lastId = lastId;
      if (event !== null) this.#tell.event(event);
    }, (ms) => { this.#retryMs = ms; });
    // It leaves out a byte order mark at the beginning, and keeps a character that is not whole yet.
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read().catch(() => ({ done: true }));
      if (done || signal.aborted) return null;
      parser.push(decoder.decode(value, { stream: true }));
    }
  }

  // In the query: fetch() takes no header with characters above U+00FF, and WebKit encodes those below in its own way.
  #addressBehind(id) {
    if (id === "") return this.#address;
    return `${this.#address}${this.#address.includes("?") ? "&" : "?"}last_event_id=${encodeURIComponent(id)}`;
  }
}

async function whyRefused(response) {
  if (response.status === 204) return "the server ended the stream for good";
  const type = response.headers.get("content-type") ?? "";
  if (response.status !== 200) return told(response);
  return type.split(";")[0].trim().toLowerCase() === EVENT_STREAM ? null : `the answer is no event stream but ${type}`;
}

// What is wrong, in the server's words, or in those of a proxy in between.
async function told(response) {
  const problem = await response.json().catch(() => null);
  return problem?.detail ?? problem?.title ?? `the answer is ${response.status} ${response.statusText}`.trim();
}

if (typeof module === "object") module.exports = { EventParser, EventStream };
