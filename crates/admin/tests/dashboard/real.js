// The page in front of a real engine: see real.rs.
"use strict";
const { open, report, step } = require("./hands.js");

module.exports = {
  async real() {
    const { page, go, press, yes, message, text, facts, tile, texts } = await open({ hash: "#publish?channel=news" });
    await page.locator("#publish-data").fill("from the page");
    await page.locator("#publish-form button").click();
    const said = await message("Published as");
    const { Event: id } = await facts("published-facts");
    await step([said, id]);
    await go(`#explain?event=${id}&client=ann`);
    await page.locator("#explained-text", { hasText: "took" }).waitFor();
    report([await text("explained-text"), (await facts("explained-event"))["Targets"]]);
    await go("#channel/news");
    await page.locator("#channel-figures > div").nth(10).waitFor();
    await page.locator("#channel-figures > div", { hasText: /^Deliveries1$/ }).waitFor();
    const before = await facts("channel-figures");
    await press("Throw its kept events away");
    await yes();
    const purged = await message("thrown away");
    await page.locator("#channel-figures > div", { hasText: /^Kept events0$/ }).waitFor();
    report([before, purged, (await facts("channel-figures"))["Kept events"]]);
    await go("#client/ann");
    await press("Disconnect it");
    await yes();
    await step(await message("told to end"));
    await go("#now");
    await tile("Connections", "0");
    await go("#server");
    const closed = page.locator("#server-cards dl > div", { hasText: /^(disconnected|client-gone)1$/ });
    await closed.waitFor();
    report([(await texts(".tile .big"))[0], await closed.locator("dt").textContent()]);
  },
};
