// What the views of one channel, one client and one connection share: questions that are asked again while the view is open, and buttons
// that end streams.

import { attempt, button, sure } from "./act.js";
import { read } from "./api.js";
import { put } from "./dom.js";
import { plural } from "./text.js";

/** Asks again and again, one question at a time, for the thing that is open now. */
export class Question {
  #abort = null;

  async ask(path, show, fail) {
    if (this.#abort !== null) return;
    const abort = new AbortController();
    this.#abort = abort;
    try {
      const answer = await read(path(), { signal: abort.signal });
      if (this.#abort === abort) show(answer);
    } catch (error) {
      if (this.#abort === abort) fail(error);
    } finally {
      if (this.#abort === abort) this.#abort = null;
    }
  }

  stop() {
    this.#abort?.abort();
    this.#abort = null;
  }
}

/** A remark, or none. */
export const note = (element, text) => {
  put(element, text);
  element.hidden = text === "";
};

const ended = ({ disconnected }) => `${plural(disconnected, "stream was", "streams were")} told to end.`;

/** A button that ends streams, after a question. */
export const disconnect = (text, what, path, then) =>
  button(text, "danger", async () => {
    const why = "What waits still goes out. A client that may connect comes back by itself, and gets what it missed.";
    if (!(await sure(`Disconnect ${what}?`, why, "Disconnect"))) return;
    if (await attempt(() => read(path(), { method: "DELETE" }), ended)) then();
  });
