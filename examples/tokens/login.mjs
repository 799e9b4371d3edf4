// An application with a login: it gives the browser a token in a cookie, and a fresh one while the page is open.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { token } from "./token.mjs";

// Who is logged in is for your own sessions to say. Here everybody is user 42.
const user = () => "42";

createServer(async (request, response) => {
  if (request.url === "/token" && request.method === "POST") {
    const cookie = `fanfare_token=${token(process.env.SECRET, user(request), ["news"])}`;
    // Behind https add Secure. HttpOnly: no script of the page can read it.
    response.writeHead(204, { "set-cookie": `${cookie}; Path=/; HttpOnly; SameSite=Lax; Max-Age=600` }).end();
  } else {
    const page = await readFile(new URL("page.html", import.meta.url));
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page);
  }
}).listen(4000, "127.0.0.1", () => console.log("listening on http://127.0.0.1:4000"));
