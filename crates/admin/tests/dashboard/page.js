// Uses the dashboard as somebody would. One process and one browser play all scenarios of a test program, each in contexts of its own.
// A line of the input is a number and what is to be done: `[7, "play", name, origin]`, `[7, "tell", text]`, `[7, "leave"]`. A line of the
// output is a number and what has happened: `[7, "report", what]`, `[7, "ended"]`, `[7, "failed", why]`. See stage.rs.
"use strict";
const { chromium } = require("playwright-core");
const { createInterface } = require("node:readline");
const { Scene, scenes } = require("./hands.js");

const SCENARIOS = Object.assign(
  {},
  ...["access", "acts", "bounds", "figures", "names", "real", "walks"].map((file) => require(`./${file}.js`)),
);

// It reaches nothing but what it is told to.
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const launched = chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
const playing = new Map();

const say = (...line) => process.stdout.write(`${JSON.stringify(line)}\n`);

async function play(number, name, origin) {
  const scene = new Scene(await launched, origin, (what) => say(number, "report", what));
  playing.set(number, scene);
  try {
    await scenes.run(scene, SCENARIOS[name]);
    await scene.close();
    say(number, "ended");
  } catch (error) {
    await scene.close();
    say(number, "failed", error.stack);
  }
  playing.delete(number);
}

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const [number, what, ...rest] = JSON.parse(line);
  if (what === "play") play(number, ...rest).catch((error) => say(number, "failed", error.stack));
  if (what === "tell") playing.get(number)?.hear(rest[0]);
  if (what === "leave") playing.get(number)?.close();
});
// Whoever started this has no more use for it; the browser removes its files.
lines.on("close", () => launched.then((browser) => browser.close()).finally(() => process.exit(0)));
