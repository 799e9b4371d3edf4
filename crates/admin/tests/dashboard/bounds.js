// A page that is left open: thousands of beats, names and events, as fast as they can be shown. See bounds.rs.
"use strict";
const { open, report, step } = require("./hands.js");

/** Takes the place of the event stream: `beats(first, count)` is what the page gets as `count` seconds of it. */
const inside = () => {
  let stream;
  const real = globalThis.fetch;
  globalThis.fetch = (path, options) => {
    if (path !== "api/v1/events") return real(path, options);
    return Promise.resolve(
      new Response(
        new ReadableStream({
          start: (controller) => {
            stream = controller;
          },
        }),
      ),
    );
  };
  const event = (kind, data) => `event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
  const account = { matched: 1, replayed: 0, written: 1, queued: 0, owed: 0, dropped: 0, repaired: 0, lost: 0, position: "1-1" };
  globalThis.beats = async (first, count) => {
    const { template } = globalThis;
    for (let n = first; n < first + count; n += 1) {
      const figures = structuredClone(template.figures);
      figures.at = new Date(1_796_000_000_000 + n * 1000).toISOString();
      figures.uptime_ms = n * 1000;
      figures.refusals = { [`rule-${n % 7}`]: n };
      figures.deliveries.dropped = Math.floor(n / 3);
      figures.latency.publish_to_socket.buckets = [
        [0.001, n],
        [0.002 + (n % 50) / 1000, n],
      ];
      const rates = {
        publishes: n % 50,
        events: 1,
        deliveries: n % 90,
        delivered_bytes: n,
        dropped: 1,
        repaired: 1,
        lost: 0,
        gaps: 0,
        refusals: 1,
        opened: 1,
        closed: 1,
      };
      let text = event("figures", { figures, rates, ready: true, draining: false, failure: null });
      if (n % 2 === 0) {
        const row = (place) => ({
          channel: `channel-${n}-${place}`,
          connections: 20 - place,
          matched: n,
          written: n,
          queued: 0,
          given_up: 0,
          dropped: 0,
          repaired: 0,
          lost: 0,
          position: "1-1",
        });
        const one = (place) => ({
          connection: n * 20 + place,
          client: `client-${n}-${place}`,
          channels: [],
          patterns: [],
          shard: 0,
          policy: "repair",
          state: "live",
          transport: "http1",
          peer: null,
          holder: null,
          opened: figures.at,
          age_ms: n,
          expires: null,
          silent_ms: 0,
          waiting_bytes: 5,
          lag: 20 - place,
          account,
        });
        text +=
          event("channels", { channels: [...Array(20).keys()].map(row) }) +
          event("connections", { connections: [...Array(20).keys()].map(one) });
      }
      // Cut in the middle of a character and of an event, as a network may.
      const bytes = new TextEncoder().encode(text);
      stream.enqueue(bytes.slice(0, 1000));
      stream.enqueue(bytes.slice(1000));
      if (n % 20 === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    const last = new Date(1_796_000_000_000 + (first + count - 1) * 1000).toISOString();
    return last;
  };
};

const held = async (page) => {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  await session.send("Performance.enable");
  const { metrics } = await session.send("Performance.getMetrics");
  const value = (name) => metrics.find((one) => one.name === name).value;
  const found = {
    nodes: value("Nodes"),
    listeners: value("JSEventListeners"),
    heap: value("JSHeapUsedSize"),
    elements: await page.evaluate(() => document.querySelectorAll("*").length),
  };
  await session.detach();
  return found;
};

module.exports = {
  async beats() {
    const { page, state, go } = await open({
      before: async (page) => {
        await page.addInitScript(inside);
      },
    });
    await page.evaluate(async () => {
      const answer = await fetch("api/v1/figures");
      globalThis.template = { figures: await answer.json() };
    });
    await state("Live");
    let first = 2;
    const round = async (count) => {
      await page.evaluate(([from, number]) => globalThis.beats(from, number), [first, count]);
      first += count;
      const name = `client-${first - 1 - ((first - 1) % 2)}-0`;
      await page.locator("#slow td", { hasText: new RegExp(`^${name}$`) }).waitFor();
      return held(page);
    };
    await page.getByRole("radio", { name: "60 min" }).check({ force: true });
    // Two hours pass while another view is seen, which is fast, and some minutes in front of the charts. The first hour fills the
    // arrays. What comes later may add nothing.
    const hour = async () => {
      await go("#publish");
      await page.evaluate(([from, number]) => globalThis.beats(from, number), [first, 3700]);
      first += 3700;
      await go("#now");
      return round(150);
    };
    const first_hour = await hour();
    report("an hour");
    const later = [await hour(), await hour()].at(-1);
    report({
      sum: await page.locator("#look-sum").textContent(),
      hour: first_hour,
      day: later,
      rows: [await page.locator("#slow tbody tr").count(), await page.locator("#busy tbody tr").count()],
    });
  },

  // The parts themselves: how long their arrays are.
  async arrays() {
    const { page, state } = await open();
    await state("Live");
    report(
      await page.evaluate(async () => {
        const [{ Model, LINES, quantile }, { POINTS_MAX, Series }] = [
          await import("/assets/model.js"),
          await import("/assets/series.js"),
        ];
        const figures = await (await fetch("api/v1/figures")).json();
        const model = new Model();
        for (let n = 1; n <= 10_000; n += 1) {
          const at = new Date(1_796_000_000_000 + n * 1000).toISOString();
          model.take("figures", {
            figures: { ...figures, at, uptime_ms: n },
            rates: null,
            ready: true,
            draining: false,
            failure: null,
          });
        }
        const { length } = model.series;
        const [times, all] = model.series.window(["all"], 300);
        // A hole is one empty point, and a clock that was set back begins anew.
        const series = new Series(["a"]);
        for (const time of [100, 101, 200, 201, 201.5, 50]) series.push(time, { a: 1 });
        const afterClock = series.length;
        for (const time of [51, 90]) series.push(time, { a: 2 });
        return {
          points: [length, POINTS_MAX],
          marks: model.marks,
          lines: LINES.length,
          window: [times.length, all.length],
          afterClock,
          hole: series.window(["a"], 100)[1],
          quantiles: [
            quantile([], 0.5),
            quantile([[1, 1]], 0.99),
            quantile(
              [
                [1, 99],
                [2, 1],
              ],
              0.99,
            ),
            quantile(
              [
                [1, 98],
                [2, 2],
              ],
              0.99,
            ),
          ],
        };
      }),
    );
  },

  async tails() {
    const { page, text } = await open({ hash: "#tail?channel=news" });
    await page.locator("#tail-state", { hasText: "Following" }).waitFor();
    const last = async (data) => page.locator("#tail-list pre").first().getByText(data, { exact: true }).waitFor();
    await step("open");
    await last("last of 1");
    const one = [await page.locator("#tail-list li").count(), await held(page)];
    await step("more");
    await last("last of 2");
    report({ one, two: [await page.locator("#tail-list li").count(), await held(page)], count: await text("tail-count") });
    await page.getByRole("button", { name: "Pause the list" }).click();
    await step("paused");
    await page.locator("#tail-count", { hasText: "200 behind the pause" }).waitFor();
    await page.getByRole("button", { name: "Pause the list" }).click();
    await last("last of 3");
    report(await page.locator("#tail-list li").count());
  },

  async messages() {
    const { page, press, yes } = await open({ hash: "#server" });
    for (let n = 0; n < 7; n += 1) {
      await press("Reload the settings");
      await yes();
      await page.locator("#messages-list li").nth(Math.min(n, 2)).waitFor();
    }
    report(await page.locator("#messages-list li").count());
  },
};
