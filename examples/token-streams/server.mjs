// Answers questions token by token. Each answer is a channel of its own in Fanfare; its tokens are events of the type
// `token`, and its end is an event `done`. Needs Node.js 20 and nothing else.
//
//     node server.mjs            # then http://127.0.0.1:4000
//
// The words come from a list here. Put the stream of your model in their place.

import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { publish } from "../publishers/publish.mjs";

const FANFARE = process.env.FANFARE_URL ?? "http://127.0.0.1:3000";
const PORT = Number(process.env.PORT ?? 4000);
const PAUSE_MS = Number(process.env.PAUSE_MS ?? 50);

async function* tokens(question) {
  const words = `You asked: ${question}\nFirst, an event is a few lines of text. Second, a browser reads it as it comes. That is all.`;
  for (const word of words.split(/(?= )/)) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    yield word;
  }
}

async function answer(channel, question) {
  const url = `${FANFARE}/channels/${encodeURIComponent(channel)}`;
  try {
    // One after the other, so that they are in order.
    for await (const token of tokens(question)) await publish(url, token, { event: "token" });
    await publish(url, "", { event: "done" });
  } catch (error) {
    console.error(`${channel}: ${error.message}`);
    await publish(url, "the answer broke off", { event: "failed" }).catch(() => {});
  }
}

const server = createServer(async (request, response) => {
  if (request.method === "POST" && request.url === "/ask") {
    request.setEncoding("utf8");
    let question = "";
    for await (const text of request) question += text;
    // Nobody can guess the name, so only this page reads the answer.
    const channel = `answer/${randomUUID()}`;
    response.writeHead(202, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ stream: `${FANFARE}/channels/${encodeURIComponent(channel)}?since=earliest` }));
    await answer(channel, question);
  } else if (request.url === "/") {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(await readFile(new URL("index.html", import.meta.url)));
  } else {
    response.writeHead(404).end();
  }
});

server.listen(PORT, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
