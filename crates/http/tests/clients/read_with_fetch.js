// Reads a stream with @microsoft/fetch-event-source: URL. It is made for browsers, and takes the end of a stream for
// the end of all unless `onclose` throws.
"use strict";
globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
const { fetchEventSource } = require("@microsoft/fetch-event-source");
const { report, run } = require("./report.js");

run(() => fetchEventSource(process.argv[2], {
  async onopen(response) {
    if (!response.ok) throw new Error(`answered ${response.status}`);
    report({ open: true });
  },
  onmessage: ({ event, id, data }) => report({ event: event || "message", id, data }),
  onclose() { throw new Error("the stream has ended"); },
}));
