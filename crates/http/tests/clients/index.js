// Opens the example page as a file: its path, the server, and the text of the item that ends it. Reports the state
// once it is connected, then all items.
"use strict";
const { pathToFileURL } = require("node:url");
const { openBrowser, report, run } = require("./report.js");

const [path, server, last] = process.argv.slice(2);
run(async () => {
  const { browser, page } = await openBrowser();
  await page.goto(`${pathToFileURL(path).href}?server=${encodeURIComponent(server)}`);
  await page.getByText("connected to").waitFor();
  report({ state: await page.locator("#state").textContent() });
  await page.locator("#events li", { hasText: last }).waitFor();
  report({ items: await page.locator("#events li").allTextContents() });
  await browser.close();
  process.exit(0);
});
