// Names and data from clients that want to be more than text: see names.rs.
"use strict";
const { open, report, step } = require("./hands.js");

module.exports = {
  async hostile() {
    const name = await (async () => {
      const hands = await open({ hash: "#now" });
      await hands.page.locator("#slow td", { hasText: "onerror" }).waitFor();
      const told = await step("ready");
      const [client, channel] = JSON.parse(told);
      const { page, go, press, no, yes, message, texts, text } = hands;
      await page.locator("#look a", { hasText: "onerror" }).waitFor();
      await page.locator("#busy td").first().waitFor();
      report([(await hands.rows("slow"))[0][1], (await hands.rows("busy"))[0][0], await texts("#look li a")]);
      await page.locator("#slow td a").first().click();
      await page.locator("#client-title", { hasText: "onerror" }).waitFor();
      report([
        await text("client-title"),
        await page.title(),
        decodeURIComponent((await page.evaluate(() => location.hash)).slice(8)) === client,
      ]);
      await press("Disconnect it");
      report(await text("dialog-title"));
      await no();
      await go(`#channel/${encodeURIComponent(channel)}`);
      await page.locator("#channel-figures > div").nth(3).waitFor();
      report(await text("channel-title"));
      await go("#connection/66");
      await page.locator("#connection-follows li").nth(1).waitFor();
      report([await texts("#connection-follows li"), await text("connection-figures")]);
      await go("#find");
      await page.locator("#find-clients li", { hasText: "onerror" }).waitFor();
      await page.locator("#find-channels a").first().waitFor();
      report([(await texts("#find-clients a"))[0], (await texts("#find-channels a"))[0]]);
      await go(`#tail?channel=${encodeURIComponent(channel)}`);
      await page.locator("#tail-state", { hasText: "Following" }).waitFor();
      await step("tail");
      await page.locator("#tail-list li").waitFor();
      report([await texts("#tail-list pre"), (await texts("#tail-list .meta a"))[0]]);
      await go(`#publish?client=${encodeURIComponent(client)}`);
      await page.locator("#publish-form button").click();
      await message("Published as");
      report(await text("published-facts"));
      await go(`#explain?event=1-1&client=${encodeURIComponent(client)}`);
      await page.locator("#explained-each li").first().waitFor();
      report((await texts("#explained-each li")).filter((one) => one.includes("onerror")).length);
      await go(`#client/${encodeURIComponent(client)}`);
      await press("Disconnect it");
      await yes();
      report((await message("told to end"))[1]);
      // Nothing of it has become an element, and nothing has run.
      return page.evaluate(() => [
        document.querySelectorAll("img:not(.brand img), b b, script:not([src]), iframe, svg").length,
        globalThis.ran === undefined,
      ]);
    })();
    report(name);
  },

  // A browser takes these names for steps of a path, so nothing may be asked, and above all nothing deleted.
  async dots() {
    const { page, go, press, yes, message, requests } = await open({ hash: "#channel/.." });
    await page.locator("#channel-state", { hasText: "a browser cannot ask" }).waitFor();
    await press("Throw its kept events away");
    await yes();
    report(await message("cannot ask"));
    await go("#client/.");
    await press("Disconnect it");
    await yes();
    report((await message("cannot ask"))[1]);
    report(requests.filter((path) => path.startsWith("/api/") && !["/api/v1/events", "/api/v1/connections"].includes(path)));
  },

  // Addresses that are no view show the first one.
  async addresses() {
    const { page, state } = await open({ hash: "#nowhere" });
    await state("Live");
    for (const hash of ["#channel", "#channel/", "#channel/%", "#constructor", "#now/x", "#__proto__/x", "#login", "#main"]) {
      await page.evaluate((one) => {
        location.hash = one;
      }, "#server");
      await page.locator("#view-server:visible").waitFor();
      await page.evaluate((one) => {
        location.hash = one;
      }, hash);
      await page.locator("#view-now:visible").waitFor();
    }
    report(await page.locator(".view:visible").count());
  },
};
