// Reads a stream with npm's eventsource: URL, then a JSON array of the event types to listen to.
"use strict";
const { EventSource } = require("eventsource");
const { report } = require("./report.js");

const [url, kinds] = process.argv.slice(2);
const source = new EventSource(url);
source.onopen = () => report({ open: true });
for (const kind of JSON.parse(kinds)) {
  source.addEventListener(kind, (event) => report({ event: event.type, id: event.lastEventId, data: event.data }));
}
