// Follows a stream of Fanfare, and comes back when it ends. Needs Node.js 20 and nothing else.
//
//     node follow.mjs http://127.0.0.1:3000/channels/news
//
// A token comes from FANFARE_TOKEN, if the server wants one.

/** Three heartbeats of the server. After this silence the connection is taken to be dead. */
const SILENCE_MS = 45_000;

/**
 * Gives each event as { type, data, id }. Goes on for ever.
 * Throws when the server refuses the stream.
 */
export async function* follow(url, { token, lastEventId = "" } = {}) {
  let waitMs = 3000;
  for (;;) {
    const abort = new AbortController();
    let timer = setTimeout(() => abort.abort(), SILENCE_MS);
    try {
      const headers = { Accept: "text/event-stream" };
      if (lastEventId) headers["Last-Event-ID"] = lastEventId;
      if (token) headers.Authorization = `Bearer ${token}`;
      const response = await fetch(url, { headers, signal: abort.signal });
      if (response.status >= 400 && response.status < 500 && response.status !== 429) {
        throw new Refused(`${response.status}: ${await response.text()}`);
      }
      if (!response.ok) {
        const seconds = Number(response.headers.get("Retry-After"));
        if (seconds > 0) waitMs = seconds * 1000;
        await response.body?.cancel();
      } else {
        let event = { type: "message", data: [] };
        for await (const line of lines(response.body)) {
          clearTimeout(timer);
          timer = setTimeout(() => abort.abort(), SILENCE_MS);
          const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
          if (line === "") {
            if (event.id !== undefined) lastEventId = event.id;
            if (event.data.length > 0) yield { type: event.type, data: event.data.join("\n"), id: lastEventId };
            event = { type: "message", data: [] };
          } else if (field === "data") event.data.push(value);
          else if (field === "event") event.type = value;
          else if (field === "id") event.id = value;
          else if (field === "retry" && /^\d+$/.test(value)) waitMs = Number(value);
        }
      }
    } catch (error) {
      if (error instanceof Refused) throw error;
      // The network: it is tried again.
    } finally {
      clearTimeout(timer);
      abort.abort();
    }
    await new Promise((done) => setTimeout(done, waitMs));
  }
}

class Refused extends Error {}

/** The whole lines of a body. Fanfare ends each with LF. A line that is cut off is no line. */
async function* lines(body) {
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop();
    yield* parts;
  }
}

if (import.meta.url === `file://${process.argv[1]}` || process.argv[1]?.endsWith("follow.mjs")) {
  const [url] = process.argv.slice(2);
  if (!url) {
    console.error("usage: follow.mjs URL");
    process.exit(1);
  }
  try {
    for await (const { type, data } of follow(url, { token: process.env.FANFARE_TOKEN })) {
      // fanfare.cursor only tells a position, and fanfare.gap that events are missing: load your state anew.
      if (type !== "fanfare.cursor") console.log(`${type}: ${data}`);
    }
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
