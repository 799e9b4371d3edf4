// Opens a page in Chromium and prints its console: the URL, then perhaps a script that is the whole page. Each line of
// standard input is an expression, whose value is printed, or `reload`.
"use strict";
const { createInterface } = require("node:readline");
const { chromium } = require("playwright-core");
const { CHROMIUM_FLAGS } = require("../../../http/tests/clients/report.js");

const [url, script] = process.argv.slice(2);

// Other browsers, and earlier ones, let every website ask this machine.
const AS_OTHERS = "--disable-features=LocalNetworkAccessChecks";

async function main() {
  const args = [...CHROMIUM_FLAGS, AS_OTHERS];
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args });
  const page = await browser.newPage();
  page.setDefaultTimeout(20_000);
  page.on("console", (message) => console.log(message.text()));
  page.on("pageerror", (error) => console.log(`error in the page: ${error.message}`));
  if (script !== undefined) {
    const body = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><div id="root"></div>';
    await page.route(url, (route) => route.fulfill({ contentType: "text/html", body }));
  }
  await page.goto(url, { waitUntil: "domcontentloaded" });
  if (script !== undefined) await page.addScriptTag({ content: script });
  console.log("the page is open");
  let count = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    count += 1;
    const work = line === "reload" ? page.reload({ waitUntil: "domcontentloaded" }).then(() => null) : page.evaluate(line);
    const value = await work.catch((error) => `error: ${error.message}`);
    console.log(`answer ${count}: ${JSON.stringify(value)}`);
  }
  await browser.close();
}

main().catch((error) => {
  console.error(error.stack);
  process.exit(1);
});
