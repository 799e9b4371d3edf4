// An application that decides who may read (--authorize-url).
import { createServer } from "node:http";

// Your own sessions: what stands in the cookie, and the channels of its user.
const sessions = new Map([["session=alice", ["news", "team/a"]], ["session=bob", ["news"]]]);

createServer(async (request, response) => {
  let body = "";
  for await (const piece of request) body += piece;
  const { channels } = JSON.parse(body);
  const known = sessions.get(request.headers.cookie) ?? [];
  const allow = channels.length > 0 && channels.every((channel) => known.includes(channel));
  // Fanfare may keep the answer for ten seconds.
  response.writeHead(200, { "content-type": "application/json", "cache-control": "max-age=10" });
  response.end(JSON.stringify(allow ? { allow } : { allow, reason: "not a channel of this user" }));
}).listen(4000, "127.0.0.1", () => console.log("listening on http://127.0.0.1:4000"));
