// Feed: an event stream that is read with fetch, because EventSource cannot send the token. It comes back when it breaks off, gives up
// one that has gone silent, and is closed while nobody looks at the page.

import { ask } from "./api.js";

/** Characters that may wait for the end of their event. The server's largest tables are far below. */
const PENDING_MAX = 8 << 20;
/** Times before the next attempt, in milliseconds. Each is the last one's double. */
const RETRY_FIRST_MS = 1000;
const RETRY_MAX_MS = 15_000;
/** A tab that is hidden for so long reads no more. */
export const HIDDEN_MS = 60_000;

/** Reads a stream to its end, and gives each event its type and its data. */
const readEvents = async (response, take) => {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      pending += value;
      const blocks = pending.split("\n\n");
      pending = blocks.pop();
      if (pending.length > PENDING_MAX) throw new Error("an event is too large");
      for (const block of blocks) {
        let [kind, data] = ["message", null];
        for (const line of block.split("\n")) {
          if (line.startsWith("event: ")) kind = line.slice(7);
          if (line.startsWith("data: ")) data = line.slice(6);
        }
        take(data === null ? null : kind, data === null ? null : JSON.parse(data));
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
};

export class Feed {
  #path;
  #silenceMs;
  #on;
  #attempt = null;
  #retry = null;
  #watch = null;
  #hide = null;
  #tries = 0;
  #isWanted = false;

  /**
   * `on.open()`, `on.event(kind, data)`, `on.lost(failure, retryMs)`, `on.away()`. A stream without a byte for `silenceMs` is broken.
   */
  constructor(path, silenceMs, on) {
    this.#path = path;
    this.#silenceMs = silenceMs;
    this.#on = on;
    document.addEventListener("visibilitychange", this.#seen);
  }

  start() {
    this.#isWanted = true;
    this.#tries = 0;
    if (!document.hidden) this.#connect();
  }

  /** Ends the stream. It can be started again. */
  stop() {
    this.#isWanted = false;
    clearTimeout(this.#hide);
    this.#cut();
  }

  /** Ends it for good. */
  end() {
    this.stop();
    document.removeEventListener("visibilitychange", this.#seen);
  }

  #cut() {
    clearTimeout(this.#retry);
    clearTimeout(this.#watch);
    this.#attempt?.abort();
    this.#attempt = null;
  }

  #seen = () => {
    clearTimeout(this.#hide);
    if (!this.#isWanted) return;
    if (document.hidden) {
      this.#hide = setTimeout(() => {
        this.#cut();
        this.#on.away();
      }, HIDDEN_MS);
    } else if (this.#attempt === null) {
      this.#tries = 0;
      this.#connect();
    }
  };

  async #connect() {
    this.#cut();
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#alive(attempt);
    let failure = null;
    try {
      const response = await ask(this.#path, { signal: attempt.signal });
      this.#tries = 0;
      this.#on.open();
      await readEvents(response, (kind, data) => {
        if (this.#attempt !== attempt) return;
        this.#alive(attempt);
        if (kind !== null) this.#on.event(kind, data);
      });
    } catch (error) {
      failure = error;
    }
    // Somebody has ended this one, or begun another.
    if (this.#attempt !== attempt) return;
    this.#lose(failure);
  }

  /** Puts off the end of a stream that is silent. */
  #alive(attempt) {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      if (this.#attempt !== attempt) return;
      this.#lose(null);
    }, this.#silenceMs);
  }

  #lose(failure) {
    this.#cut();
    // The page asks for the token, and starts again.
    if (failure?.status === 401 || failure?.status === 400) {
      this.#isWanted = false;
      this.#on.lost(failure, null);
      return;
    }
    const doubled = Math.min(RETRY_FIRST_MS * 2 ** this.#tries, RETRY_MAX_MS);
    const wait = Math.max(doubled, (failure?.retryAfter ?? 0) * 1000);
    this.#tries = Math.min(this.#tries + 1, 10);
    this.#retry = setTimeout(() => this.#connect(), wait);
    this.#on.lost(failure, wait);
  }
}
