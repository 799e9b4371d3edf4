// Publishes one event to Fanfare, once, also when it has to ask again. Needs Node.js 20 and nothing else.
//
//     node publish.mjs http://127.0.0.1:3000/channels/news "hello" tick
//
// The key comes from FANFARE_PUBLISH_KEY, if the server has one.

import { randomUUID } from "node:crypto";
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ATTEMPTS = 5;
const TIMEOUT_MS = 10_000;
/** These say that the server, or a proxy in front of it, is away for a moment. */
const ASK_AGAIN = new Set([502, 503, 504]);

/**
 * Returns the server's answer: `{ id, matched }`.
 * Throws when the server refuses the event, or when it cannot be reached.
 */
export async function publish(url, data, { event, key = process.env.FANFARE_PUBLISH_KEY } = {}) {
  const target = new URL(url);
  if (event) target.searchParams.set("event", event);
  // The same in each attempt, so that the event is published once.
  const headers = { "Content-Type": "text/plain; charset=utf-8", "Idempotency-Key": randomUUID() };
  if (key) headers.Authorization = `Bearer ${key}`;

  let reason;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    let seconds = 2 ** attempt * (0.5 + Math.random()) / 4;
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await fetch(target, { method: "POST", body: data, headers, signal });
      const answer = await response.text();
      if (response.ok) return JSON.parse(answer);
      reason = new Error(`${response.status}: ${answer}`);
      if (!ASK_AGAIN.has(response.status)) break;
      seconds = Number(response.headers.get("Retry-After")) || seconds;
    } catch (error) {
      // Nobody knows whether the event was published. With the same key it may be sent again.
      reason = error;
    }
    if (attempt + 1 < ATTEMPTS) await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
  throw reason;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [url, data, event] = process.argv.slice(2);
  if (data === undefined) {
    console.error("usage: publish.mjs URL DATA [TYPE]");
    process.exit(1);
  }
  try {
    console.log(JSON.stringify(await publish(url, data, { event })));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
