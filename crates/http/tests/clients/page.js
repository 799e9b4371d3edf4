// Uses the demo page as somebody would: the server's origin, a file to publish, and the origin of a server that asks
// for the key "secret". Reports what the page shows after each step. At the step "restart" the server has to be
// restarted from outside.
"use strict";
const { openBrowser, report, run } = require("./report.js");

const [origin, file, keyed] = process.argv.slice(2);

run(async () => {
  const { browser, page } = await openBrowser();
  const faults = [];
  const requests = new Set();
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) faults.push(message.text());
  });
  page.on("request", (request) => requests.add(new URL(request.url()).origin));

  const field = (name) => page.getByRole("textbox", { name, exact: true });
  const sendTo = (whom) => page.getByRole("combobox", { name: "To", exact: true }).selectOption(whom);
  const state = async (text) => {
    await page.locator("#state").getByText(text).waitFor();
    return page.locator("#state").textContent();
  };
  const press = (name) => page.getByRole("button", { name, exact: true }).click();
  const text = (id) => page.locator(`#${id}`).textContent();
  // The list once it has `count` items, the newest first.
  const items = async (count) => {
    await page.locator("#events li").nth(count - 1).waitFor();
    return page.locator("#events li").evaluateAll(async (items) => Promise.all(items.map(async (item) => {
      const image = item.querySelector("img");
      await image?.decode();
      const of = (selector) => item.querySelector(selector)?.textContent ?? null;
      return { kind: of(".kind"), id: of(".id"), text: of("pre"), image: image?.naturalWidth ?? null };
    })));
  };
  const shows = async (step, count) => {
    const shown = await items(count);
    report({ step, items: shown, count: await text("count") });
  };

  await page.goto(`${origin}/?channel=news&id=me`);
  report({ step: "open", state: await state("connected"), example: await text("example") });

  await field("Text").fill("to all\n  second line");
  await press("Publish");
  await shows("all", 1);
  // Both come with the answer, and the event may be there before.
  await page.locator("#latency").waitFor();
  const sentence = await page.locator("#answer p").allTextContents();
  report({ step: "answer", answer: sentence, json: await page.locator("#answer pre").textContent(), latency: await text("latency") });

  await sendTo("channel");
  report({ step: "suggestion", target: await field("Channel").inputValue() });
  await field("Event type").fill("price");
  await field("Text").fill("to the channel");
  await press("Publish");
  await shows("channel", 2);

  await sendTo("client");
  await field("Event type").fill("");
  await field("Text").fill("to nobody here");
  await field("Client id").last().fill("somebody/else");
  await press("Publish");
  await page.locator("#answer").getByText("somebody/else: 0.").waitFor();
  await field("Client id").last().fill("me");
  await page.getByLabel("or a file, an image for instance").setInputFiles(file);
  await press("Publish");
  await shows("image", 3);

  // By keyboard alone: from the text to the button, past the file.
  await sendTo("all");
  await field("Text").fill("by keyboard");
  const path = [];
  for (let stops = 0; stops < 5 && path.at(-1) !== "Publish"; stops += 1) {
    await page.keyboard.press("Tab");
    path.push(await page.evaluate(() => document.activeElement.name || document.activeElement.textContent));
  }
  await page.keyboard.press("Enter");
  await shows("keyboard", 4);
  report({ step: "path", path });

  report({ step: "restart" });
  await state("reconnecting");
  await state("connected");
  await field("Text").fill("after the restart");
  await press("Publish");
  await page.locator("#events pre", { hasText: "after the restart" }).waitFor();
  report({ step: "back", state: await state("connected") });

  // An event of a type that EventSource itself uses is an event as others are.
  for (const kind of ["error", "open"]) {
    await field("Event type").fill(kind);
    await field("Text").fill(`of the type ${kind}`);
    await press("Publish");
    await page.locator("#events pre", { hasText: `of the type ${kind}` }).waitFor();
  }
  report({ step: "odd types", state: await text("state"), address: new URL(page.url()).search });

  await press("Clear");
  const left = await page.locator("#events li").count();
  report({ step: "clear", count: await text("count"), items: left, empty: await page.locator("#empty").isVisible() });

  await field("Channels, separated by commas").fill("a{");
  await press("Apply");
  report({ step: "refused", state: await state("refused:") });

  await page.goto(keyed);
  await state("connected");
  await press("Publish");
  await page.locator("#answer").getByText("Not published: ").waitFor();
  // The field for the key has come, and the cursor is in it.
  await page.waitForFunction(() => document.activeElement.name === "key");
  await page.keyboard.type("secret");
  await page.keyboard.press("Enter");
  report({ step: "key", items: await items(1) });

  report({ step: "end", faults, requests: [...requests] });
  await browser.close();
  process.exit(0);
});
