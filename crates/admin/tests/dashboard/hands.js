// A browser with the page, and hands for it. Whatever the page complains about, or asks another origin for, is reported as a fault.
"use strict";
const { AsyncLocalStorage } = require("node:async_hooks");

const PHONE = { width: 320, height: 640 };
const DESK = { width: 1440, height: 900 };

/** What is played now: each scenario finds its own here. */
const scenes = new AsyncLocalStorage();

/** One playing of a scenario: where its page is, what the test has told it, and what it has opened. */
class Scene {
  #told = [];
  #waiting = [];
  #contexts = [];

  constructor(browser, origin, report) {
    Object.assign(this, { browser, origin, report });
  }

  async context(options) {
    const context = await this.browser.newContext(options);
    this.#contexts.push(context);
    return context;
  }

  hear(line) {
    (this.#waiting.shift() ?? ((one) => this.#told.push(one)))(line);
  }

  told() {
    return this.#told.shift() ?? new Promise((resolve) => this.#waiting.push(resolve));
  }

  close() {
    return Promise.all(this.#contexts.splice(0).map((context) => context.close()));
  }
}

const report = (what) => scenes.getStore().report(what);

// Reports, and goes on once the test says so.
const step = async (what) => {
  const scene = scenes.getStore();
  scene.report(what);
  return scene.told();
};

// A page of a new visitor. `allowed` are complaints that belong to the scenario.
async function open({ hash = "#now", size = DESK, scheme = "light", motion = "no-preference", allowed = [], before } = {}) {
  // Events of the page come outside of what is played, so its scene is kept here.
  const scene = scenes.getStore();
  const { origin } = scene;
  const context = await scene.context({ viewport: size, colorScheme: scheme, reducedMotion: motion });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const fault = (text) => {
    if (!allowed.some((one) => text.includes(one))) scene.report({ fault: text });
  };
  page.on("pageerror", (error) => fault(error.stack));
  page.on("dialog", (dialog) => fault(`a dialog: ${dialog.message()}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) fault(`${message.text()} ${message.location().url}`);
  });
  const requests = [];
  page.on("request", (request) => {
    requests.push(new URL(request.url()).pathname);
    if (!request.url().startsWith(`${origin}/`)) scene.report({ fault: `asked ${request.url()}` });
  });
  await before?.(page);
  await page.goto(`${origin}/${hash}`);
  const text = (id) => page.locator(`#${id}`).textContent();
  const hands = {
    page,
    context,
    requests,
    text,
    state: (is) => page.locator("#state").getByText(is, { exact: true }).waitFor(),
    go: async (to) => {
      await page.evaluate((one) => {
        location.hash = one;
      }, to);
      await page.locator(`#view-${to.slice(1).split(/[/?]/)[0]}:visible`).waitFor();
    },
    press: (name) => page.getByRole("button", { name, exact: true }).click(),
    yes: () => page.locator("#dialog-yes").click(),
    no: () => page.locator("#dialog-no").click(),
    // Once a message with this text has come. It is closed then.
    async message(part) {
      const found = page.locator("#messages-list li", { hasText: part }).first();
      await found.waitFor();
      const [said, level] = [await found.locator("p").textContent(), await found.getAttribute("class")];
      await found.getByRole("button").click();
      return [said, level];
    },
    // Once a tile says this.
    tile: (title, big) =>
      page
        .locator(".tile", { has: page.locator("dt", { hasText: new RegExp(`^${title}$`) }) })
        .locator(".big", { hasText: new RegExp(`^${big}$`) })
        .waitFor(),
    tiles: () =>
      page.locator(".tile").evaluateAll((tiles) =>
        Object.fromEntries(
          tiles.map((tile) => [
            tile.children[0].textContent,
            [...tile.children]
              .slice(1)
              .map((child) => child.textContent)
              .filter(Boolean),
          ]),
        ),
      ),
    // Cells of the rows of a table.
    rows: (id) =>
      page.locator(`#${id} tbody tr`).evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent))),
    facts: (id) =>
      page
        .locator(`#${id} > div`)
        .evaluateAll((facts) => Object.fromEntries(facts.map((fact) => [...fact.children].map((child) => child.textContent)))),
    texts: (selector) => page.locator(selector).allTextContents(),
  };
  return hands;
}

module.exports = { DESK, PHONE, Scene, open, report, scenes, step };
