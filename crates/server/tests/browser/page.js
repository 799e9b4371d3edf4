// Uses the demo page as somebody would: the name of a scenario, and the server's origin. Reports what the page shows. What only
// the server's side can do follows upon a report that names it.
"use strict";
const { execFileSync } = require("node:child_process");
const { openBrowser, report, run } = require("../../../http/tests/clients/report.js");

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 800 };
const [scenario, origin] = process.argv.slice(2);

// A page with this address, and hands for it.
async function open(query, size = DESK) {
  const { page } = await openBrowser();
  page.on("pageerror", (error) => report({ fault: error.message }));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) report({ fault: message.text() });
  });
  await page.setViewportSize(size);
  await page.goto(`${origin}/${query}`);
  const hands = {
    page,
    state: (text) => page.locator("#state").getByText(text, { exact: true }).waitFor(),
    press: (name) => page.getByRole("button", { name, exact: true }).click(),
    fill: (id, name, text) => page.locator(`#${id} [name=${name}]`).fill(text),
    sendTo: (to) => page.locator("#publish [name=to]").selectOption(to),
    text: (id) => page.locator(`#${id}`).textContent(),
    // The list once it has `count` items, the newest first: type and text.
    async items(count) {
      await page.locator("#events li").nth(count - 1).waitFor();
      return page.locator("#events li").evaluateAll((items) => items.map((item) => {
        const of = (selector) => item.querySelector(selector)?.textContent ?? null;
        return [of(".kind"), of(".why") ?? of("pre")];
      }));
    },
    // Once there is an answer to what is published with this text.
    async publish(text) {
      await page.locator("#answer").evaluate((answer) => answer.replaceChildren());
      await hands.fill("publish", "text", text);
      await hands.press("Publish");
      await page.locator("#answer pre").waitFor();
      return page.locator("#answer > *").allTextContents();
    },
    box: (id) => page.locator(`#${id}`).boundingBox(),
    async boxes() {
      const [events, form, answer] = [await hands.box("received"), await hands.box("publishing"), await hands.box("answer")];
      return { events, form, answer, button: await hands.box("send") };
    },
  };
  await hands.state("connected");
  return hands;
}

const post = async (path, body) => (await fetch(`${origin}${path}`, { method: "POST", body })).json();

const SCENARIOS = {
  async types() {
    const { page, items } = await open("?channel=news&channel=sport");
    for (const type of ["tick", "price", "error", "open"]) await post(`/channels/news?event=${type}`, `a ${type}`);
    await post("/channels/news", "no type");
    report(await items(5));
    await post("/channels/sport", "elsewhere");
    await post("/broadcast", "to all");
    await items(7);
    report(await page.locator("#events .channel").allTextContents());
  },

  async connection() {
    const { page, press, state, items, text } = await open("?channel=news");
    const announced = await page.locator("#state").evaluate(({ role, ariaLive }) => [role, ariaLive]);
    report([await text("toggle"), announced]);
    await post("/channels/news", "before");
    await items(1);
    await press("Disconnect");
    await state("disconnected");
    report([await text("toggle"), (await post("/channels/news", "missed")).matched]);
    await press("Connect");
    await state("connected");
    report([await text("toggle"), await items(2)]);
  },

  async gap() {
    const { press, state, items } = await open("?channel=news");
    await press("Disconnect");
    await state("disconnected");
    for (const number of [1, 2, 3]) await post("/channels/news", `missed ${number}`);
    await press("Connect");
    report(await items(2));
  },

  async phone() {
    const { page, publish, items, boxes } = await open("?channel=news", PHONE);
    for (let number = 0; number < 30; number += 1) await post("/channels/news", `number ${number}`);
    await items(30);
    report(await boxes());
    await publish("from the phone");
    await items(31);
    report(await boxes());
    report(await page.evaluate(() => document.documentElement.scrollWidth));
  },

  async desk() {
    const { publish, items, boxes } = await open("?channel=news");
    await publish("from the desk");
    await items(1);
    report(await boxes());
  },

  async nobody() {
    const { page, sendTo, fill, publish, press, state } = await open("?channel=news");
    await sendTo("channel");
    await fill("publish", "target", "sports");
    report(await publish("to nobody"));
    await press("Follow sports");
    await state("connected");
    report(await page.locator("#follow [name=channels]").inputValue());
    report(await publish("to this page"));
    await sendTo("client");
    await fill("publish", "target", "me");
    report(await publish("to nobody"));
    await press("Disconnect");
    await sendTo("all");
    report(await publish("to nobody"));
  },

  async code() {
    const { page, fill, sendTo, text, press } = await open("");
    const code = async () => [await text("script"), await text("curl-follow"), await text("curl-publish")];
    report(await code());
    await fill("follow", "channels", "news, weather");
    await fill("follow", "id", "me");
    report(await code());

    // What is shown does what it says, whatever the names are.
    const [channel, type] = ["it's </script> a $HOME", "it's \"odd\""];
    await fill("follow", "channels", channel);
    await sendTo("channel");
    await fill("publish", "kind", type);
    await fill("publish", "text", "@it's");
    const said = new Promise((resolve) => page.on("console", (message) => resolve(message.text())));
    await page.addScriptTag({ content: await text("script") });
    const probe = `/publish?${new URLSearchParams({ channel })}&event=probe&keep=no`;
    while ((await post(probe, "")).matched === 0) await page.evaluate(() => 0);
    const answer = execFileSync("sh", ["-c", await text("curl-publish")], { stdio: ["ignore", "pipe", "ignore"] });
    report([JSON.parse(answer).matched, await said === `${type} @it's`]);

    await page.locator("[data-copies=script]").click();
    await page.locator("#copied").getByText(/./).waitFor();
    const selected = await page.evaluate(() => String(getSelection()));
    report([selected.trim() === await text("script"), await text("copied")]);
  },

  async words() {
    const { page, text } = await open("");
    const icon = await page.locator("link[rel=icon]").getAttribute("href");
    const drawn = await page.locator("h1 img").evaluate((image) => image.decode().then(() => [image.src, image.naturalWidth > 0]));
    report({ version: await text("version"), footer: await page.locator("footer").textContent(), icon: icon === drawn[0] && drawn[1] });
  },

  async restart() {
    const { page, items } = await open("?channel=news");
    await post("/channels/news", "0");
    await items(1);
    report("restart");
    await page.locator("#events pre").getByText("last", { exact: true }).waitFor();
    report(await page.locator("#events li").evaluateAll((items) => items.map((item) => item.querySelector("pre").textContent)));
  },
};

run(SCENARIOS[scenario]);
