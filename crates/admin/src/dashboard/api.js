// The API of the listener: requests with the token, and errors in the words of the server.

const TOKEN = "fanfare-admin-token";

let token = null;
try {
  token = sessionStorage.getItem(TOKEN);
} catch {
  // A browser that keeps nothing asks again after each load.
}

/** Called when the server wants a token: with what it says about the one that it got, if it got one. */
let onRefused = () => {};

export const whenRefused = (then) => {
  onRefused = then;
};
export const hasToken = () => token !== null;

/** Keeps a token until the tab is closed. Null forgets it. */
export const keepToken = (text) => {
  token = text;
  try {
    if (text === null) sessionStorage.removeItem(TOKEN);
    else sessionStorage.setItem(TOKEN, text);
  } catch {
    // It is still kept in `token`, until the page is loaded again.
  }
};

/** Why a request failed. The status is 0 if there was no answer. */
export class Failure extends Error {
  constructor(status, message, retryAfter = null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** A name as one segment of a path. A browser takes `.` and `..` for something else, however they are written. */
export const segment = (name) => {
  if (name === "." || name === "..") {
    throw new Failure(0, `a browser cannot ask for the name "${name}"; curl --path-as-is can`);
  }
  return encodeURIComponent(name);
};

/** Asks, and gives the response if all is well. */
export const ask = async (path, { method = "GET", body, signal } = {}) => {
  const headers = {};
  const used = token;
  if (used !== null) headers.authorization = `Bearer ${used}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  const text = body === undefined ? undefined : JSON.stringify(body);
  let response;
  try {
    response = await fetch(path, { method, headers, body: text, signal, cache: "no-store" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure(0, "the server does not answer");
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  const detail = typeof told.detail === "string" ? told.detail : `the answer was ${response.status}`;
  // Not for an answer to an older token.
  if (response.status === 401 && used === token) onRefused(used === null ? null : detail);
  throw new Failure(response.status, detail, Number(response.headers.get("retry-after")) || null);
};

export const read = async (path, options) => (await ask(path, options)).json();
