// The token, a connection that breaks off, and a tab that nobody looks at: see access.rs.
"use strict";
const { open, report, step } = require("./hands.js");

const streams = (requests) => requests.filter((path) => path === "/api/v1/events").length;

module.exports = {
  async token() {
    const { page, context, press, state, text, tile } = await open({ hash: "#client/ann", allowed: ["401"] });
    await page.locator("#view-login").waitFor();
    report([
      await text("token-wrong"),
      await page.evaluate(() => document.activeElement.id),
      await page.locator(".view:visible").count(),
    ]);
    await page.keyboard.type("wrong");
    await page.keyboard.press("Enter");
    await page.locator("#token-wrong", { hasText: "." }).waitFor();
    report(await text("token-wrong"));
    await page.locator("#token").fill("ä ö");
    await press("Use it");
    report(await text("token-wrong"));
    await page.locator("#token").fill("secret");
    await press("Use it");
    await state("Live");
    await page.locator("#client-streams tbody tr").waitFor();
    report([
      await page.locator("#view-login").isVisible(),
      await page.locator("#token").inputValue(),
      await page.evaluate(() => ({ ...sessionStorage })),
      await page.evaluate(() => ({ ...localStorage })),
      await context.cookies(),
    ]);
    await page.reload();
    await page.locator("#client-streams tbody tr").waitFor();
    await page.evaluate(() => {
      location.hash = "#server";
    });
    await press("Forget the token");
    await page.locator("#view-login").waitFor();
    report(await page.evaluate(() => sessionStorage.length));
    await page.locator("#token").fill("secret");
    await press("Use it");
    await page.evaluate(() => {
      location.hash = "#now";
    });
    await tile("Connections", "4");
  },

  async lost() {
    const { page, state, text, tile } = await open({
      allowed: ["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE"],
    });
    await tile("Lost", "0");
    await step("live");
    await state("No connection");
    await page.locator("#lost").waitFor();
    const said = await text("lost-since");
    await page.locator("#lost-next", { hasText: "does not answer" }).waitFor();
    await step([said, await text("lost-next"), (await page.locator(".tile .big").allTextContents())[0]]);
    await tile("Lost", "3");
    report([await page.locator("#lost").isVisible(), (await text("lost-since")) === said]);
    await step("live");
    await state("No connection");
    await step("lost again");
    await page.getByRole("button", { name: "Try now" }).click();
    await state("Live");
  },

  async hidden() {
    const { page, state, requests, tile } = await open({
      before: async (page) => {
        await page.clock.install();
        await page.addInitScript(() => {
          let isHidden = false;
          Object.defineProperty(document, "hidden", { get: () => isHidden });
          globalThis.hide = (is) => {
            isHidden = is;
            document.dispatchEvent(new Event("visibilitychange"));
          };
        });
      },
    });
    await tile("Lost", "0");
    await page.evaluate(() => globalThis.hide(true));
    await step("hidden for a moment");
    await page.evaluate(() => globalThis.hide(false));
    await tile("Lost", "1");
    report(streams(requests));
    await page.evaluate(() => globalThis.hide(true));
    await page.clock.fastForward(61_000);
    await state("Asleep");
    const before = streams(requests);
    // Also an attempt that was due does not happen.
    await page.clock.fastForward(61_000);
    await step(streams(requests) - before);
    await page.evaluate(() => globalThis.hide(false));
    await state("Live");
    await tile("Lost", "8");
    report(streams(requests) - before);
  },

  // A stream that is open and says nothing is given up.
  async silent() {
    const { page, state, requests } = await open({
      before: async (page) => {
        await page.clock.install();
        await page.addInitScript(() => {
          const real = globalThis.fetch;
          let isFirst = true;
          globalThis.fetch = (path, options) => {
            if (path !== "api/v1/events" || !isFirst) return real(path, options);
            isFirst = false;
            const body = new ReadableStream({
              start: (stream) => {
                stream.enqueue(new TextEncoder().encode(":\n\n"));
              },
            });
            return Promise.resolve(new Response(body));
          };
        });
      },
    });
    await state("Live");
    report(streams(requests));
    await page.clock.fastForward(11_000);
    await state("No connection");
    await page.clock.fastForward(2000);
    await state("Live");
    report(streams(requests));
  },
};
