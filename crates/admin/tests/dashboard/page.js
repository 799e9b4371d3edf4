// Uses the dashboard as somebody would: the name of a scenario, and the origin of the listener. Reports what the page shows, and waits
// where the test has something to change.
"use strict";
const { run } = require("../../../http/tests/clients/report.js");
const { open } = require("./hands.js");

const SCENARIOS = Object.assign(
  {},
  ...["access", "acts", "bounds", "figures", "names", "real", "walks"].map((file) => require(`./${file}.js`)),
);

run(async () => {
  await SCENARIOS[process.argv[2]]();
  const { browser } = await open.browser;
  await browser.close();
  process.exit(0);
});
