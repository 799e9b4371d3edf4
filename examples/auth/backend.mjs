// A tiny application with a login: it tells nginx or Caddy who a request comes from, and what they may read. Needs Node.js 20
// and nothing else. Your own application takes its place; the route /auth is all that the proxies ask.
//
//     node backend.mjs
//
// Anybody may log in as alice or bob here: curl -c cookies -d user=alice http://127.0.0.1:8080/login

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";

const PORT = Number(process.env.PORT ?? 4000);
/** The user of each session. */
const sessions = new Map();
/** Their ids are the names of clients in Fanfare. An id goes into a URL: letters, digits, `-` and `_` need no care there. */
const USERS = new Map([
  ["alice", { id: "42", channels: ["news", "team/a"] }],
  ["bob", { id: "43", channels: ["news"] }],
]);
/** What a page may say about a channel: where its stream begins, and which page of history it wants. */
const PARAMETERS = new Set(["since", "last_event_id", "heartbeat", "envelope", "after", "limit"]);

function user(request) {
  const cookies = request.headers.cookie ?? "";
  return sessions.get(/(?:^|; )session=([^;]+)/.exec(cookies)?.[1]);
}

/** The status and the headers of the answer to a proxy. */
function authorize(request) {
  const known = user(request);
  if (known === undefined) return [401];
  const headers = { "X-Client-Id": known.id };
  // What the browser asked for, as it was written. Both proxies replace this header if a browser sends it.
  const uri = request.headers["x-forwarded-uri"] ?? "";
  const [path, query = ""] = uri.split("?");
  if (path === "/notifications") return [204, headers];
  const [, channel] = /^\/channels\/([^/]+)(?:\/history)?$/.exec(path) ?? [];
  // Other parameters could add channels, or a client.
  const isPlain = [...new URLSearchParams(query).keys()].every((parameter) => PARAMETERS.has(parameter));
  const isAllowed = channel !== undefined && isPlain && known.channels.includes(decodeURIComponent(channel));
  return isAllowed ? [204, headers] : [403];
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  if (pathname === "/auth") {
    let answer = [400];
    try {
      answer = authorize(request);
    } catch { /* a name that cannot be decoded */ }
    response.writeHead(...answer).end();
  } else if (pathname === "/login" && request.method === "POST") {
    let form = "";
    for await (const text of request) form += text;
    const named = USERS.get(new URLSearchParams(form).get("user"));
    if (named === undefined) {
      response.writeHead(403).end("nobody of that name\n");
      return;
    }
    const session = randomUUID();
    sessions.set(session, named);
    response.setHeader("Set-Cookie", `session=${session}; HttpOnly; SameSite=Lax; Path=/`);
    response.end("logged in\n");
  } else if (pathname === "/") {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(PAGE);
  } else {
    response.writeHead(404).end();
  }
});

const PAGE = `<!doctype html>
<title>Notifications</title>
<link rel="icon" href="data:,">
<ul id="list"></ul>
<script>
const events = new EventSource("/notifications?heartbeat=cursor");
events.onmessage = (event) => {
  const item = document.createElement("li");
  item.textContent = event.data;
  document.getElementById("list").append(item);
};
</script>
`;

server.listen(PORT, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
