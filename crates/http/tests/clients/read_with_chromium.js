// Reads a stream with the EventSource of a real browser: URL, then a JSON array of the event types to listen to.
"use strict";
const { openBrowser, report, run } = require("./report.js");

const [url, kinds] = process.argv.slice(2);
run(async () => {
  const { page } = await openBrowser();
  await page.exposeFunction("report", report);
  // Any page of the same origin that asks for nothing itself.
  await page.goto(new URL("/healthz", url).href);
  await page.evaluate(({ url, kinds }) => {
    const source = new EventSource(url);
    source.onopen = () => report({ open: true });
    for (const kind of kinds) {
      source.addEventListener(kind, (event) => report({ event: event.type, id: event.lastEventId, data: event.data }));
    }
  }, { url, kinds: JSON.parse(kinds) });
});
