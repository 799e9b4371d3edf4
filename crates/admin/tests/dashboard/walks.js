// The page for those who use the keyboard, a screen reader, a phone or large letters: see walks.rs.
"use strict";
const { DESK, PHONE, open, report } = require("./hands.js");

/** Every view with something in it, and an element that says that it has come. */
const VIEWS = {
  "#now": "#busy tbody tr",
  "#find?name=b": "#find-clients a",
  "#channel/news": "#channel-streams tbody tr",
  "#client/bob": "#client-streams tbody tr",
  "#connection/7": "#connection-follows li",
  "#tail?channel=news": "#tail-state:has-text('Following')",
  "#explain?event=1-1&client=ann": "#explained-each li",
  "#publish?channel=news": "#publish-form",
  "#server": "#server-cards > div:nth-child(11)",
};

const axe = async (page, where) => {
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return [
    where,
    passes.length > 8,
    violations.map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => [html, failureSummary])]),
  ];
};

const judged = (scheme, size) => async () => {
  const { page, go, press, no, tile } = await open({ scheme, size });
  await page.evaluate(require("axe-core").source);
  await tile("Connections", "4");
  for (const [hash, sign] of Object.entries(VIEWS)) {
    await go(hash);
    await page.locator(sign).first().waitFor();
    report(await axe(page, hash));
  }
  await page.locator("#view-server").waitFor();
  await go("#publish?channel=news");
  await page.locator("#publish-form button").click();
  await page.locator("#messages-list li").waitFor();
  await go("#server");
  await press("Drain and stop the server");
  report(await axe(page, "a question"));
  await no();
  // What needs a look, in all its levels, without a connection.
  await page.route("**/api/v1/events", (route) => route.abort());
  await page.evaluate(() => {
    document.querySelector("#lost").hidden = false;
    document.querySelector("#lost-since").textContent = "No connection to the server since 12:00:00.";
    document.querySelector("#lost-next").textContent = "The next attempt is in 2 seconds.";
    document.querySelector("#state").dataset.state = "bad";
    for (const level of ["bad", "warn"]) {
      document.querySelector(".tile").dataset.level = level;
      document.querySelector(".tile .level").textContent = "■ bad";
    }
  });
  await go("#now");
  await page.locator(".chart summary").first().click();
  report(await axe(page, "banner"));
};

const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex='0']";

module.exports = {
  judge_light_desk: judged("light", DESK),
  judge_dark_desk: judged("dark", DESK),
  judge_light_phone: judged("light", PHONE),
  judge_dark_phone: judged("dark", PHONE),

  async judge_login() {
    const { page } = await open({ allowed: ["401"] });
    await page.evaluate(require("axe-core").source);
    await page.locator("#view-login").waitFor();
    report(await axe(page, "login"));
  },

  // Nothing is wider than the screen: a phone, a desk at 200 %, a desk.
  async widths() {
    for (const width of [320, 720, 1440]) {
      const { page, go, context } = await open({ size: { width, height: 700 }, motion: "reduce" });
      for (const [hash, sign] of Object.entries(VIEWS)) {
        await go(hash);
        await page.locator(sign).first().waitFor();
        const [wide, cut] = await page.evaluate(() => [
          document.documentElement.scrollWidth,
          [...document.querySelectorAll(".view:not([hidden]) :is(button, .big, h1, h2, dt, dd, label)")]
            .filter((one) => one.clientWidth > 0 && !one.closest(".scroll, .unseen") && one.scrollWidth > one.clientWidth + 1)
            .map((one) => one.outerHTML),
        ]);
        report([hash, wide <= width, cut.filter((one) => !one.includes("unseen"))]);
      }
      await context.close();
    }
  },

  // In each view, Tab comes to everything that can be used, in an order, and everybody sees where it is.
  async tabs() {
    const { page, go } = await open();
    for (const [hash, sign] of Object.entries(VIEWS)) {
      await go(hash);
      await page.locator(sign).first().waitFor();
      // So that nothing comes and goes while it is walked over.
      if ((await page.locator("#pause").getAttribute("aria-pressed")) === "false") await page.locator("#pause").click();
      await page.evaluate((all) => {
        for (const one of document.querySelectorAll("[data-walked]")) delete one.dataset.walked;
        document.activeElement.blur();
        const visible = [...document.querySelectorAll(all)].filter(
          (one) => one.checkVisibility() && !one.closest("[hidden], dialog:not([open])"),
        );
        // Of a group of radio buttons, Tab comes to the one that is chosen.
        globalThis.expected = visible.filter((one) => one.type !== "radio" || one.checked);
      }, FOCUSABLE);
      const unseen = [];
      const count = await page.evaluate(() => globalThis.expected.length);
      await page.locator("body").evaluate((body) => {
        body.tabIndex = -1;
        body.focus();
        body.removeAttribute("tabindex");
      });
      for (let tab = 0; tab < count + 2; tab += 1) {
        await page.keyboard.press("Tab");
        const fault = await page.evaluate(() => {
          const one = document.activeElement;
          if (one === document.body) return null;
          one.dataset.walked = "yes";
          const marked = one.type === "radio" ? one.nextElementSibling : one;
          const { outlineStyle, outlineWidth } = getComputedStyle(marked);
          return outlineStyle === "none" || parseFloat(outlineWidth) < 2 ? one.outerHTML : null;
        });
        if (fault !== null) unseen.push(fault);
      }
      report([
        hash,
        count > 8,
        unseen,
        await page.evaluate(() =>
          globalThis.expected.filter((one) => one.dataset.walked !== "yes").map((one) => one.outerHTML.slice(0, 200)),
        ),
      ]);
    }
  },

  // From the first key to a publish, a look at a slow stream and its end, without a mouse.
  async keyboard() {
    const { page, tile, message, facts } = await open({ allowed: ["/api/v1/connections/8"] });
    const active = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
    const tabTo = async (text) => {
      for (let tab = 0; tab < 60; tab += 1) {
        await page.keyboard.press("Tab");
        if ((await active()) === text) return;
      }
      throw new Error(`Tab never came to ${text}, but to ${await active()}`);
    };
    await tile("Connections", "4");
    await page.locator("#slow tbody tr").nth(2).waitFor();
    await page.keyboard.press("Tab");
    const skip = await active();
    await page.keyboard.press("Enter");
    report([skip, await active()]);
    await tabTo("#8");
    await page.keyboard.press("Enter");
    await page.locator("#connection-figures > div").nth(12).waitFor();
    report([await active(), (await facts("connection-figures"))["Client"]]);
    await tabTo("Disconnect it");
    await page.keyboard.press("Enter");
    const inside = [];
    for (let tab = 0; tab < 3; tab += 1) {
      inside.push(await active());
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("dialog").open);
    report([inside.slice(0, 2), await active()]);
    await page.keyboard.press("Enter");
    await page.locator("dialog[open]").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    report(await message("told to end"));
    await page.evaluate(() => document.querySelector(".brand").scrollIntoView());
    await page.keyboard.press("Shift+Tab");
    for (let tab = 0; tab < 60 && (await active()) !== "Publish"; tab += 1) await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await page.locator("#view-publish:visible").waitFor();
    const title = await active();
    await tabTo("publish-name");
    await page.keyboard.type("news");
    await tabTo("publish-data");
    await page.keyboard.type("by hand");
    await tabTo("publish-keep");
    await page.keyboard.press("Space");
    await tabTo("Publish");
    await page.keyboard.press("Enter");
    report([title, (await message("Published as"))[1], await page.locator("#publish-keep").isChecked()]);
  },

  // The switch of colours holds over a load, and wins over the system.
  async colours() {
    const { page } = await open({ scheme: "light" });
    const page_colour = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await page_colour();
    await page.locator("#theme").selectOption("dark");
    const dark = await page_colour();
    await page.reload();
    const kept = await page_colour();
    await page.locator("#theme").selectOption("");
    report([light !== dark, kept === dark, (await page_colour()) === light]);
    await page.emulateMedia({ colorScheme: "dark" });
    const system = await page_colour();
    await page.locator("#theme").selectOption("light");
    report([system === dark, (await page_colour()) === light]);
  },

  // What a screen reader finds: landmarks, one heading of the first level, headings in order, and names.
  async outline() {
    const { page, go, tile } = await open();
    await tile("Connections", "4");
    for (const [hash, sign] of Object.entries(VIEWS)) {
      await go(hash);
      await page.locator(sign).first().waitFor();
      report(
        await page.evaluate(() => {
          const visible = (selector) =>
            [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility() && !one.closest("dialog:not([open])"));
          const levels = visible("h1, h2, h3").map((one) => Number(one.tagName[1]));
          return [
            visible("main").length,
            visible("nav[aria-label]").length,
            visible("body > header").length,
            levels.filter((one) => one === 1).length,
            levels.every((level, index) => index === 0 || level <= levels[index - 1] + 1),
            visible("table").every(
              (one) => one.caption !== null && [...one.querySelectorAll("th")].every((head) => head.scope !== ""),
            ),
            visible("[role=status], [aria-live]").length > 0,
          ];
        }),
      );
    }
  },
};
