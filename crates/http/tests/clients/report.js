// What the clients in JavaScript share: one JSON line for each thing that happens, an end for those that hang, and
// a browser.
"use strict";

const TIME_MAX_MS = 100_000;

const report = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

setTimeout(() => {
  process.stderr.write(`not done after ${TIME_MAX_MS} ms\n`);
  process.exit(3);
}, TIME_MAX_MS).unref();

// It reaches nothing but what it is told to.
const CHROMIUM_FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

// A page in a headless Chromium.
async function openBrowser() {
  const { chromium } = require("playwright-core");
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: CHROMIUM_FLAGS });
  // Whoever started this has no more use for it; the browser removes its files.
  process.stdin.on("end", () => browser.close().finally(() => process.exit(0))).resume();
  const page = await browser.newPage();
  page.setDefaultTimeout(20_000);
  return { browser, page };
}

// Ends with the reason where a script fails.
const run = (script) => script().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});

module.exports = { CHROMIUM_FLAGS, openBrowser, report, run };
