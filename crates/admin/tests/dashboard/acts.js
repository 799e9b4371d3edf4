// What the page does to the server, and asks it: see acts.rs.
"use strict";
const { open, report, step } = require("./hands.js");

module.exports = {
  async publish() {
    const { page, press, message, facts, text } = await open({ hash: "#publish", allowed: ["/api/v1/publish"] });
    const publish = () => page.locator("#publish-form button").click();
    await publish();
    report([await page.locator("#publish-name:invalid").count(), await text("messages-list")]);
    await page.locator("#publish-name").fill("news");
    await page.locator("#publish-type").fill("tick");
    await page.locator("#publish-data").fill("one\ntwo");
    await publish();
    report([
      await message("Published as"),
      await facts("published-facts"),
      await page.locator("#published-explain").getAttribute("href"),
    ]);
    await page.locator("#publish-to").selectOption("client");
    await page.locator("#publish-name").fill("ann");
    await page.locator("#publish-type").fill("");
    await page.locator("#publish-keep").uncheck();
    await page.locator("#publish-wait").uncheck();
    await publish();
    report([await message("Published as"), await facts("published-facts")]);
    await page.locator("#publish-to").selectOption("all");
    report(await page.locator("#publish-name-box").isVisible());
    await publish();
    report((await message("Published as"))[1]);
    await page.locator("#publish-type").fill("fanfare.gap");
    await publish();
    report(await message("That did not work"));
    await press("Pause");
  },

  async ends() {
    const { page, go, press, yes, no, message, texts, rows } = await open({
      hash: "#channel/news",
      allowed: ["/api/v1/connections/7"],
    });
    await page.locator("#channel-streams tbody tr").nth(2).waitFor();
    await press("Disconnect those who follow it");
    const asked = [await texts("#dialog h2"), await texts("#dialog-yes"), await page.evaluate(() => document.activeElement.id)];
    await no();
    await step([asked, await page.evaluate(() => document.activeElement.textContent)]);

    await go("#connection/7");
    await page.locator("#connection-figures > div").nth(12).waitFor();
    await press("Disconnect it");
    await page.keyboard.press("Escape");
    await step("Escape is no");
    await press("Disconnect it");
    await yes();
    report(await message("told to end"));
    await page.locator("#connection-state", { hasText: "not open" }).waitFor();
    await step(await page.locator("#connection-state").textContent());

    await go("#client/bob");
    await page.locator("#client-streams tbody tr").nth(1).waitFor();
    await press("Disconnect it");
    await yes();
    report(await message("told to end"));
    await page.locator("#client-streams p", { hasText: "The client is not connected." }).waitFor();
    await step(await rows("client-streams"));

    await go("#channel/news");
    await press("Disconnect those who follow it");
    await yes();
    report(await message("told to end"));
    await step("done");
  },

  async purge() {
    const { page, press, yes, no, message, facts } = await open({ hash: "#channel/news", allowed: ["/history"] });
    await page.locator("#channel-figures > div").nth(10).waitFor();
    report(await facts("channel-figures"));
    await press("Throw its kept events away");
    await no();
    await step("no");
    await press("Throw its kept events away");
    await yes();
    await step(await message("thrown away"));
    await press("Throw its kept events away");
    await yes();
    report(await message("did not work"));
  },

  async server() {
    const { page, press, yes, no, message, facts } = await open({ hash: "#server" });
    await page.locator("#server-cards > div").nth(10).waitFor();
    const cards = await page
      .locator("#server-cards > div")
      .evaluateAll((all) =>
        Object.fromEntries(
          all.map((card) => [
            card.firstElementChild.textContent,
            Object.fromEntries(
              [...card.lastElementChild.children].map((one) => [...one.children].map((child) => child.textContent)),
            ),
          ]),
        ),
      );
    await press("Drain and stop the server");
    await no();
    await press("Reload the settings");
    await no();
    await step(cards);
    await press("Reload the settings");
    await yes();
    await step([await message("Reloaded"), await facts("reloaded-facts")]);
    await press("Drain and stop the server");
    await yes();
    report(await message("drain"));
  },

  async broken() {
    const { press, yes, message } = await open({ hash: "#server", allowed: ["/reload"] });
    await press("Reload the settings");
    await yes();
    report(await message("did not work"));
  },

  async explain() {
    const { page, text, texts, facts } = await open({ hash: "#explain" });
    await page.locator("#explain-event").fill(" 1796023882123-3");
    await page.locator("#explain-name").fill("ann");
    report(await page.locator("#explain-event:invalid").count());
    await page.locator("#explain-event").fill("1796023882123-3");
    for (;;) {
      const verdict = await step(await text("explained-text"));
      if (verdict === "done") break;
      await page.locator("#explain-form button").click();
      await page.locator("#explained-text", { hasText: verdict }).waitFor();
      report([
        await text("explained-text"),
        await text("explained-advice"),
        (await texts("#explained-each li p"))[2],
        await page.evaluate(() => document.activeElement.id),
      ]);
    }
    await page.locator("#explain-by").selectOption("connection");
    report(await text("explain-name-label"));
    await page.locator("#explain-name").fill("8");
    await page.locator("#explain-form button").click();
    await page.waitForFunction(() => location.hash.endsWith("connection=8"));
    await page.locator("#explained-each li").nth(2).waitFor();
    await step([
      await facts("explained-event"),
      await page.locator("#explained-each a").evaluateAll((all) => all.map((one) => one.hash)),
    ]);
  },

  async unknown() {
    const { page, text } = await open({ hash: "#explain?event=1-1&connection=99", allowed: ["/api/v1/explain"] });
    await page.locator("#explained-text", { hasText: "The server says" }).waitFor();
    report(await text("explained-text"));
  },

  async find() {
    const { page, press, texts } = await open({ hash: "#find" });
    const names = async (kind) => texts(`#find-${kind} a`);
    await page.locator("#find-clients li").nth(19).waitFor();
    await page.locator("#find-channels li").nth(2).waitFor();
    report([await names("channels"), (await names("clients")).slice(0, 3)]);
    await press("The next 20");
    await page.locator("#find-clients li", { hasText: "user-57" }).waitFor();
    report((await names("clients")).slice(0, 2));
    await page.locator("#find-text").fill("user-4");
    await page.locator("#find-form button").click();
    await page.locator("#find-clients a", { hasText: "Open the client user-4" }).waitFor();
    report([await names("clients"), await names("channels"), await texts("#find-connection")]);
    await page.locator("#find-text").fill("8");
    await page.keyboard.press("Enter");
    await page.locator("#find-connection a").click();
    await page.locator("#connection-title", { hasText: "#8" }).waitFor();
    await page.locator("#connection-figures a", { hasText: "bob" }).waitFor();
    report(await page.title());
  },

  async tail() {
    const { page, press, text, texts } = await open({ hash: "#tail" });
    await page.locator("#tail-names").fill("news\norders.*");
    await press("Start");
    await page.locator("#tail-state", { hasText: "Following news, orders.*" }).waitFor();
    await step("open");
    await page.locator("#tail-list li").nth(2).waitFor();
    report([
      await texts("#tail-list pre"),
      await texts("#tail-list li:first-child .meta > *"),
      await page.locator("#tail-list a").first().getAttribute("href"),
    ]);
    await press("Pause the list");
    await step("paused");
    await page.locator("#tail-count", { hasText: "1 behind the pause" }).waitFor();
    report((await texts("#tail-list pre")).length);
    await press("Pause the list");
    await page.locator("#tail-list pre", { hasText: "while paused" }).waitFor();
    await press("Clear");
    report([await texts("#tail-list li"), await text("tail-count")]);
    await press("Stop");
    await step(await text("tail-state"));
  },

  async gaps() {
    const gap = { from: "1796023882123-3", to: "1796023882123-9", missed: 6, reason: "busy" };
    const { page, texts } = await open({
      hash: "#tail?channel=news",
      before: (page) =>
        page.route("**/api/v1/tail**", (route) =>
          route.fulfill({
            contentType: "text/event-stream",
            body: `:\n\nevent: gap\ndata: ${JSON.stringify(gap)}\n\nevent: gap\ndata: ${JSON.stringify({ ...gap, from: null, missed: null, reason: "restart" })}\n\n`,
          }),
        ),
    });
    await page.locator("#tail-list li.gap").nth(1).waitFor();
    report((await texts("#tail-list li.gap pre")).slice(-2));
    // The stream has ended, and is opened again.
    await page.locator("#tail-list li.note").first().waitFor();
    report((await texts("#tail-list li.note pre"))[0]);
  },
};
