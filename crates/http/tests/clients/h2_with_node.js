// One HTTP/2 connection of Node.js: its address, and a file with the authority. multiplexed.rs says what it does and tells.
"use strict";
const { readFileSync } = require("node:fs");
const http2 = require("node:http2");
const { report, run } = require("./report.js");
const { SLOW_COUNT, lines, slow } = require("./h2_parts.js");

const [origin, ca] = process.argv.slice(2);

run(async () => {
  const session = http2.connect(origin, { ca: readFileSync(ca) });
  const request = (head, body) => new Promise((resolve, reject) => {
    const stream = session.request(head).on("error", reject);
    stream.on("response", (head) => resolve({ head, stream }));
    stream.end(body);
  });
  const whole = async ({ head, stream }) => {
    let bytes = 0;
    for await (const piece of stream) bytes += piece.length;
    return { status: head[":status"], bytes };
  };
  const publish = async (path, body) => {
    const { status } = await whole(await request({ ":method": "POST", ":path": path }, body));
    if (status !== 202) throw new Error(`${path}: ${status}`);
  };
  const subscribe = async (path) => (await request({ ":path": path, accept: "text/event-stream" })).stream;

  const one = lines(await subscribe("/sse?channel=a"));
  report({ open: session.alpnProtocol });
  for (let number = 0; number < 50; number += 1) await publish("/channels/a", String(number));
  await publish("/channels/a", "x".repeat(1 << 20));
  report({ seen: await one.take(51) });

  const other = await subscribe("/sse?channel=b");
  other.pause();
  for (let number = 0; number < SLOW_COUNT; number += 1) await publish("/channels/b", slow(number));
  await publish("/channels/a", "beside");
  report({ beside: await one.take(1) });
  const behind = lines(other);
  report({ slow: await behind.take(SLOW_COUNT) });
  report({ history: (await whole(await request({ ":path": "/channels/b/history" }))).bytes });

  report({ ready: true });
  await Promise.all([one.end(), behind.end()]);
  report({ end: true });
  session.close();
});
