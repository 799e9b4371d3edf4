// A token for a user, signed with the secret that Fanfare has too. Node needs no package for it.
import { createHmac } from "node:crypto";

const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");

export function token(secret, user, channels) {
  const claims = {
    sub: user,
    exp: Math.floor(Date.now() / 1000) + 600,
    fanfare: { client: user, subscribe: channels },
  };
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

// node examples/tokens/token.mjs 42 news
const [, program, user, ...channels] = process.argv;
if (program.endsWith("token.mjs")) console.log(token(process.env.SECRET, user, channels));
