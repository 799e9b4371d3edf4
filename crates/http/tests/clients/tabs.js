// Tabs of a real browser that share one HTTP/2 connection: the browser, and the address. tabs.rs says what is told and what happens
// meanwhile.
"use strict";
const { openTabs } = require("./driver.js");
const { report, run } = require("./report.js");

const [engine, origin] = process.argv.slice(2);
const TABS = 5, STREAMS = 10;

// These run in the page.
const begin = (origin, count) => {
  globalThis.seen = Array.from({ length: count }, () => []);
  return Promise.all(globalThis.seen.map((seen) => new Promise((resolve) => {
    const source = new EventSource(`${origin}/channels/tabs`);
    source.onmessage = ({ data }) => seen.push(data);
    source.addEventListener("fanfare.gap", ({ data }) => seen.push(`gap ${data}`));
    source.onopen = () => resolve(true);
  })));
};
const publish = async (origin, from, to) => {
  for (let number = from; number < to; number += 1) {
    const { status } = await fetch(`${origin}/channels/tabs`, { method: "POST", body: String(number) });
    if (status !== 202) throw new Error(`answered ${status}`);
  }
};
const taken = async (count) => {
  while (globalThis.seen.some((seen) => seen.length < count)) await new Promise((resolve) => { setTimeout(resolve, 10); });
  return globalThis.seen;
};
const protocols = () => ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
  .filter(({ name }) => name.startsWith("https:")).map(({ nextHopProtocol }) => nextHopProtocol);

run(async () => {
  const browser = await openTabs(engine);
  const tabs = [];
  for (let number = 0; number < TABS; number += 1) tabs.push(await browser.open(`${origin}/`));
  for (const tab of tabs) await tab.call(begin, origin, STREAMS);
  const all = async (count) => {
    const seen = [];
    for (const tab of tabs) seen.push(...await tab.call(taken, count));
    return seen;
  };

  await tabs[0].call(publish, origin, 0, 40);
  report({ all: await all(40) });
  const [closed] = tabs.splice(1, 1);
  await closed.close();
  await tabs[1].call(publish, origin, 40, 60);
  report({ others: await all(60) });
  const page = await browser.open(`${origin}/`);
  report({ page: await page.call(protocols), fetch: await tabs[0].call(protocols) });
  report({ back: await all(80) });
  await browser.close();
  process.exit(0);
});
