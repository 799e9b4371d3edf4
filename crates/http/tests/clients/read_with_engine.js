// Reads streams in a page of a real browser: the browser, then streams as streams.js has them. The page comes from
// here, and here it tells what it sees.
"use strict";
const { readFileSync } = require("node:fs");
const { createServer } = require("node:http");
const { openPage } = require("./engine.js");
const { report, run } = require("./report.js");

const [engine, streams] = process.argv.slice(2);

const FILES = {
  "/streams.js": `${__dirname}/streams.js`,
  "/page_stream.js": `${__dirname}/../../src/answer/page_stream.js`,
  "/event-source-polyfill.js": require.resolve("event-source-polyfill/src/eventsource.js"),
  "/reconnecting-eventsource.js": require.resolve("reconnecting-eventsource")
    .replace("build/src/reconnecting-eventsource.js", "dist/ReconnectingEventSource.min.js"),
};

const PAGE = `<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<script src="/event-source-polyfill.js"></script>
<script src="/reconnecting-eventsource.js"></script>
<script src="/page_stream.js"></script>
<script src="/streams.js"></script>
<script>
const seen = [];
let isTelling = false;
// One after the other, so that the order stays.
async function tell(what) {
  seen.push(what);
  if (isTelling) return;
  isTelling = true;
  while (seen.length > 0) await fetch("/seen", { method: "POST", body: JSON.stringify(seen.splice(0)) });
  isTelling = false;
}
onerror = (event, source, line) => tell({ error: event + " at " + source + ":" + line });
onunhandledrejection = (event) => tell({ error: String(event.reason) });
fetch("/what").then((answer) => answer.json()).then((streams) => readStreams(streams, CLIENTS, tell));
</script>
`;

const server = createServer((request, response) => {
  const { method, url } = request;
  if (method === "POST") {
    request.setEncoding("utf8");
    let body = "";
    request.on("data", (text) => { body += text; });
    request.on("end", () => { JSON.parse(body).forEach(report); response.end(); });
  } else if (url === "/") {
    response.setHeader("content-type", "text/html").end(PAGE);
  } else if (url === "/what") {
    response.end(streams);
  } else if (FILES[url]) {
    response.setHeader("content-type", "text/javascript").end(readFileSync(FILES[url]));
  } else {
    response.writeHead(404).end();
  }
});

run(async () => server.listen(0, "127.0.0.1", () => openPage(engine, `http://127.0.0.1:${server.address().port}/`)));
