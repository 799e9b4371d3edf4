// What the page shows of the figures: see figures.rs.
"use strict";
const { open, report, step } = require("./hands.js");

const seen = async ({ tiles, rows, texts, text }) => ({
  tiles: await tiles(),
  look: [await text("look-sum"), ...(await texts("#look li"))],
  room: await texts("#room dd > span"),
  slow: await rows("slow"),
  busy: await rows("busy"),
});

module.exports = {
  async figures() {
    const hands = await open();
    const { page, state, tile, requests } = hands;
    await state("Live");
    await page.locator("#busy tbody tr").nth(2).waitFor();
    await page.locator("#slow tbody tr").nth(2).waitFor();
    await page.locator("#look a", { hasText: "#8 of bob" }).waitFor();
    await step(await seen(hands));
    await tile("Lost", "2");
    await page.locator("#slow td", { hasText: /^eve$/ }).waitFor();
    await page.locator("#busy th", { hasText: /^sport$/ }).waitFor();
    await page.locator("#look a", { hasText: "#12 of eve" }).waitFor();
    await step(await seen(hands));
    await page.locator("#look", { hasText: "journal" }).waitFor();
    await hands.tile("Journal", "in trouble");
    await step(await seen(hands));
    report([await hands.message("started again"), [...new Set(requests)].filter((path) => !path.startsWith("/assets/"))]);
  },

  async sorts() {
    const { page, press, rows } = await open();
    const order = async (id) => {
      const sorted = await page
        .locator(`#${id} [aria-sort]`)
        .evaluateAll((heads) => heads.map((one) => [one.firstElementChild.textContent, one.getAttribute("aria-sort")]));
      return [sorted, (await rows(id)).map((row) => row[0])];
    };
    const sortedBy = async (head, first) => {
      await page.locator("#slow").getByRole("button", { name: head, exact: true }).click();
      await page.locator("#slow tbody tr:first-child th", { hasText: first }).waitFor();
      return order("slow");
    };
    await page.locator("#slow tbody tr:first-child th", { hasText: "#8" }).waitFor();
    report(await order("slow"));
    report([await sortedBy("Open for", "#7"), await sortedBy("Waiting", "#8")]);
    await page.locator("#busy").getByRole("button", { name: "Channel" }).click();
    report(await order("busy"));
    await page.locator("#slow select").selectOption("100");
    await page.locator("#slow tbody tr").nth(49).waitFor();
    report((await rows("slow")).length);
    // While a row has the focus, it stays where it is, whatever comes.
    await page.locator("#slow tbody tr:nth-child(2) a").first().focus();
    const held = await rows("slow");
    await step("focused");
    await page.locator("#slow tbody tr", { hasText: "#8" }).locator("td", { hasText: /^77$/ }).waitFor();
    const after = await rows("slow");
    report(held.map((row) => row[0]).join() === after.map((row) => row[0]).join());
    await page.locator("#pause").focus();
    await page.locator("#slow tbody tr:first-child th", { hasText: "#12" }).waitFor();
    await press("Pause");
    report(await page.locator("#pause").getAttribute("aria-pressed"));
  },

  async others() {
    const { page, go, rows } = await open({ hash: "#client/bob" });
    await page.locator("#client-streams tbody tr").nth(1).hover();
    const before = (await rows("client-streams")).map((row) => row[0]);
    await go("#client/ann");
    await page.locator("#client-streams th", { hasText: "#7" }).waitFor();
    report([before, (await rows("client-streams")).map((row) => row[0])]);
  },

  async pause() {
    const { press, state, tile, text } = await open();
    await tile("Lost", "0");
    await press("Pause");
    await state("Paused");
    const before = await text("tiles");
    await step("paused");
    report((await text("tiles")) === before);
    await press("Pause");
    await tile("Lost", "9");
  },

  async charts() {
    const { page, tile } = await open();
    await tile("Connections", "4");
    const picture = page.getByRole("img", { name: /^Connections in the last/ });
    await picture.waitFor();
    await page.getByRole("img", { name: /^Publishes a second in the last 5 minutes\. here: 0\.0 now/ }).waitFor();
    report(await picture.getAttribute("aria-label"));
    await page.locator(".chart", { has: picture }).locator("summary").click();
    await step(
      await page
        .locator(".chart", { has: picture })
        .locator("tbody tr")
        .evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent))),
    );
    await tile("Connections", "10");
    await page.getByRole("radio", { name: "15 min" }).check({ force: true });
    await page.getByRole("img", { name: /^Connections in the last 15 minutes\. all: 10 now, 4 to 10\./ }).waitFor();
    report(
      await page
        .locator(".chart", { has: picture })
        .locator("tbody tr:first-child")
        .evaluate((row) => [...row.children].map((cell) => cell.textContent).filter((_, index) => index !== 3)),
    );
    // The lines are drawn: each picture has pixels of its line's colour.
    report(
      await page.locator(".picture canvas").evaluateAll((all) =>
        all.map((canvas) => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          for (let index = 0; index < data.length; index += 4)
            if (data[index] === 179 && data[index + 1] === 38 && data[index + 2] === 30) return true;
          return false;
        }),
      ),
    );
  },
};
