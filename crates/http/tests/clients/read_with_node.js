// Reads streams with clients for Node.js: streams as streams.js has them.
"use strict";
const { EventStream } = require("../../src/answer/page_stream.js");
const { readAsThePage, readStreams } = require("./streams.js");
const { report, run } = require("./report.js");

// It is made for browsers.
globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };

const eventSource = (name) => (url) => new (require(name).EventSource)(url);

// fetch-event-source takes the end of a stream for the end of all unless `onclose` throws. It reports what it does not
// know the type of, so `kinds` means nothing to it.
function fetchEventSource(url, tell) {
  run(() => require("@microsoft/fetch-event-source").fetchEventSource(url, {
    async onopen(response) {
      if (!response.ok) throw new Error(`answered ${response.status}`);
      tell({ open: true });
    },
    onmessage: ({ event, id, data }) => tell({ event: event || "message", id, data }),
    onclose() { throw new Error("the stream has ended"); },
  }));
}

const CLIENTS = {
  eventsource: eventSource("eventsource"),
  "eventsource-3": eventSource("eventsource-3"),
  "fetch-event-source": fetchEventSource,
  "demo page": (url, tell) => readAsThePage(EventStream, url, tell),
};

readStreams(JSON.parse(process.argv[2]), CLIENTS, report);
