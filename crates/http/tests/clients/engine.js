// Starts a real browser on a page, without a driver: the page itself tells what it sees. Firefox and WebKit are Debian's own,
// which playwright-core cannot drive.
"use strict";
const { spawn } = require("node:child_process");
const { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const { CHROMIUM_FLAGS } = require("./report.js");

// No first-run pages, and nobody but this machine is asked for anything: a proxy that is not there is in the way.
const FIREFOX_PREFERENCES = {
  "app.normandy.enabled": false,
  "app.update.enabled": false,
  "browser.aboutwelcome.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.homepage_override.mstone": "ignore",
  "datareporting.policy.dataSubmissionEnabled": false,
  "datareporting.policy.firstRunURL": "",
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "network.proxy.type": 1,
  "network.proxy.http": "127.0.0.1",
  "network.proxy.http_port": 9,
  "network.proxy.ssl": "127.0.0.1",
  "network.proxy.ssl_port": 9,
  "toolkit.startup.max_resumed_crashes": -1,
};

// All that was started has a process group of its own, so that nothing stays behind, however this process ends.
const started = [];
const profile = mkdtempSync(join(tmpdir(), "fanfare-browser-"));
process.on("exit", () => {
  for (const { pid } of started) {
    try { process.kill(-pid, "SIGKILL"); } catch { /* it has ended */ }
  }
  // A process that is just ending may still write.
  rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});

// Whatever it prints is in the complaint of a test that fails. Its end is the end of all.
function start(program, args, env = {}) {
  const stdio = ["ignore", "ignore", "inherit", "pipe"];
  const child = spawn(program, args, { detached: true, stdio, env: { ...process.env, ...env } });
  child.on("error", (error) => { throw error; });
  child.on("exit", (code, signal) => { throw new Error(`${program} has ended: ${code ?? signal}`); });
  if (child.pid !== undefined) started.push(child);
  return child;
}

// Gives its profile.
function startFirefox(args, preferences) {
  const lines = Object.entries({ ...FIREFOX_PREFERENCES, ...preferences })
    .map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`);
  writeFileSync(join(profile, "user.js"), lines.join(""));
  start("/usr/bin/firefox-esr", ["--headless", "--no-remote", "--profile", profile, ...args], { HOME: profile });
  return profile;
}

const ENGINES = {
  chromium(url) {
    start("/usr/bin/chromium", [...CHROMIUM_FLAGS, `--user-data-dir=${profile}`, url]);
  },

  firefox(url) {
    startFirefox([url], {});
  },

  // It has no way to run without a display, so it gets one that nobody sees.
  webkit(url) {
    const libraries = readdirSync("/usr/lib").map((name) => join("/usr/lib", name, "webkit2gtk-4.1/MiniBrowser"));
    const browser = libraries.find((path) => existsSync(path));
    const display = start("/usr/bin/Xvfb", ["-displayfd", "3", "-nolisten", "tcp", "-screen", "0", "800x600x24"]);
    display.stdio[3].setEncoding("utf8").once("data", (number) => {
      const env = { HOME: profile, XDG_RUNTIME_DIR: profile, DISPLAY: `:${number.trim()}`, GDK_BACKEND: "x11", NO_AT_BRIDGE: "1" };
      start(browser, ["--private", url], env);
    });
  },
};

// Until the end of this process, or of its input.
function openPage(engine, url) {
  process.stdin.on("end", () => process.exit(0)).resume();
  ENGINES[engine](url);
}

module.exports = { openPage, startFirefox };
