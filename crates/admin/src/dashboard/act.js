// What the page says and asks: messages that screen readers read out, and questions before something is changed.

import { at, make } from "./dom.js";
import { clock } from "./text.js";

/** Messages that are on the screen. */
const MESSAGES_MAX = 3;

/** Shows a message until somebody closes it, or three newer ones have come. `level` is `good` or `bad`. */
export const say = (text, level = "good") => {
  const list = at("messages-list");
  const close = make("button", { type: "button", className: "close", "aria-label": "Close this message", textContent: "×" });
  const message = make(
    "li",
    { className: level },
    make("span", { className: "soft", textContent: clock(Date.now()) }),
    make("p", { textContent: text }),
    close,
  );
  close.addEventListener("click", () => message.remove());
  list.append(message);
  while (list.children.length > MESSAGES_MAX) list.firstElementChild.remove();
};

/** Takes away what went well: whoever goes on has seen it. */
export const tidy = () => {
  for (const message of at("messages-list").querySelectorAll(".good")) message.remove();
};

/** Asks, and tells whether the answer was yes. Escape means no. The focus goes back to where it was. */
export const sure = (question, text, verb) =>
  new Promise((resolve) => {
    const dialog = at("dialog");
    at("dialog-title").textContent = question;
    at("dialog-text").textContent = text;
    at("dialog-yes").textContent = verb;
    const before = document.activeElement;
    dialog.returnValue = "no";
    dialog.addEventListener(
      "close",
      () => {
        before?.focus();
        resolve(dialog.returnValue === "yes");
      },
      { once: true },
    );
    dialog.showModal();
    at("dialog-no").focus();
  });

/** Does something, and says how it went. `done(answer)` gives the message. Tells whether it went well. */
export const attempt = async (what, done) => {
  try {
    say(done(await what()));
    return true;
  } catch (error) {
    say(`That did not work: ${error.message}.`, "bad");
    return false;
  }
};

/** A button that does something, and cannot be pressed again before that is done. */
export const button = (text, className, press) => {
  const element = make("button", { type: "button", className, textContent: text });
  whilePressed(element, press);
  return element;
};

/** The same for a button that is there. It keeps the focus, so it is not disabled. */
export const whilePressed = (element, press) => {
  let isBusy = false;
  element.addEventListener("click", async () => {
    if (isBusy) return;
    isBusy = true;
    try {
      await press();
    } finally {
      isBusy = false;
    }
  });
};
