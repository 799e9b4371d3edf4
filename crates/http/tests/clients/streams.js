// Reads event streams and tells what comes, in a page and in Node.js. A stream is
// `{ "name": "any", "client": "EventSource", "url": "http://...", "kinds": ["message"] }`; what is told has its name.
"use strict";

// How each client for pages opens a stream.
const CLIENTS = {
  EventSource: (url) => new EventSource(url),
  "event-source-polyfill": (url) => new EventSourcePolyfill(url),
  // It comes back by itself only where the browser has given up.
  "reconnecting-eventsource": (url) => new ReconnectingEventSource(url, { max_retry_time: 100 }),
  "demo page": (url, tell) => readAsThePage(EventStream, url, tell),
};

// The demo page's reader tells of all types, so `kinds` means nothing to it.
function readAsThePage(EventStream, url, tell) {
  const stream = new EventStream(url, "", {
    opened: () => tell({ open: true }),
    lost() {},
    refused(reason) { throw new Error(reason); },
    event: ({ type, data }) => tell({ event: type, id: stream.lastId, data }),
  });
}

function readStreams(streams, clients, tell) {
  for (const { name, client, url, kinds } of streams) {
    const source = clients[client](url, (what) => tell({ stream: name, ...what }));
    if (!source) continue;
    source.onopen = () => tell({ stream: name, open: true });
    for (const kind of kinds) {
      source.addEventListener(kind, ({ type, lastEventId, data }) => {
        tell({ stream: name, event: type, id: lastEventId, data });
      });
    }
  }
}

if (typeof module === "object") module.exports = { readAsThePage, readStreams };
