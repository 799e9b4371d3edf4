// Drives the tabs of a browser that takes any certificate: Chromium with playwright-core, and Debian's Firefox, which playwright-core cannot
// drive, with the protocol that it has for that (Marionette: a length, a colon, and JSON).
"use strict";
const { readFileSync } = require("node:fs");
const { connect } = require("node:net");
const { setTimeout: sleep } = require("node:timers/promises");
const { startFirefox } = require("./engine.js");
const { CHROMIUM_FLAGS } = require("./report.js");

const called = (script, values) => `(${script})(...${JSON.stringify(values)})`;

async function openChromium() {
  const { chromium } = require("playwright-core");
  // A certificate that is only forgiven costs a connection more.
  const args = [...CHROMIUM_FLAGS, "--ignore-certificate-errors"];
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args });
  process.stdin.on("end", () => browser.close().finally(() => process.exit(0))).resume();
  const context = await browser.newContext();
  return {
    async open(url) {
      const page = await context.newPage();
      await page.goto(url);
      return { call: (script, ...values) => page.evaluate(called(script, values)), close: () => page.close() };
    },
    close: () => browser.close(),
  };
}

// Sends one command at a time.
async function marionette(port) {
  const socket = connect(port, "127.0.0.1");
  let text = Buffer.alloc(0);
  let notice = () => {};
  socket.on("data", (piece) => { text = Buffer.concat([text, piece]); notice(); });
  const answer = async () => {
    for (;;) {
      const colon = text.indexOf(":");
      const end = colon + 1 + Number(text.subarray(0, Math.max(colon, 0)));
      if (colon > 0 && text.length >= end) {
        const message = JSON.parse(text.subarray(colon + 1, end));
        text = text.subarray(end);
        return message;
      }
      await new Promise((resolve) => { notice = resolve; });
    }
  };
  await answer();
  return async (name, values = {}) => {
    const message = JSON.stringify([0, 1, name, values]);
    socket.write(`${Buffer.byteLength(message)}:${message}`);
    const [, , error, result] = await answer();
    if (error) throw new Error(`${name}: ${error.message}`);
    return result;
  };
}

async function openFirefox() {
  const profile = startFirefox(["--marionette"], { "marionette.port": 0 });
  process.stdin.on("end", () => process.exit(0)).resume();
  let port;
  while (!port) {
    await sleep(20);
    try { port = Number(readFileSync(`${profile}/MarionetteActivePort`, "utf8")); } catch { /* it has not begun */ }
  }
  const command = await marionette(port);
  await command("WebDriver:NewSession", { acceptInsecureCerts: true });
  return {
    async open(url) {
      const { handle } = await command("WebDriver:NewWindow", { type: "tab" });
      await command("WebDriver:SwitchToWindow", { handle });
      await command("WebDriver:Navigate", { url });
      return {
        async call(script, ...values) {
          await command("WebDriver:SwitchToWindow", { handle });
          const whole = `const done = arguments[0]; (async () => ${called(script, values)})()
            .then((value) => done({ value }), (error) => done({ error: String(error) }));`;
          const { value: { value, error } } = await command("WebDriver:ExecuteAsyncScript",
            { script: whole, args: [], sandbox: "tabs", newSandbox: false, scriptTimeout: 30_000 });
          if (error) throw new Error(error);
          return value;
        },
        async close() {
          await command("WebDriver:SwitchToWindow", { handle });
          await command("WebDriver:CloseWindow");
        },
      };
    },
    async close() {},
  };
}

const openTabs = (engine) => ({ chromium: openChromium, firefox: openFirefox })[engine]();

module.exports = { openTabs };
