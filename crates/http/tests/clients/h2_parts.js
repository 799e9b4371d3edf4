// What the HTTP/2 clients in JavaScript share.
"use strict";

// More than the windows of any client hold.
const SLOW_COUNT = 8;
const slow = (number) => `${number} ${"y".repeat((1 << 20) - 100)}`;

// The data of an event, or how it begins and how long it is.
const shown = (data) => (data.length < 100 ? data : `${data.slice(0, 3)} ${data.length}`);

// Takes events of one line off a stream, as they come.
function lines(stream) {
  const pieces = stream.setEncoding("utf8")[Symbol.asyncIterator]();
  let text = "";
  async function next() {
    for (;;) {
      const at = text.indexOf("\n");
      if (at >= 0) {
        const line = text.slice(0, at);
        text = text.slice(at + 1);
        if (line.startsWith("data: ")) return shown(line.slice(6));
      } else {
        const { done, value } = await pieces.next();
        if (done) return undefined;
        text += value;
      }
    }
  }
  return {
    async take(count) {
      const taken = [];
      while (taken.length < count) taken.push(await next());
      return taken;
    },
    async end() {
      const more = await next();
      if (more !== undefined) throw new Error(`not the end: ${more}`);
    },
  };
}

module.exports = { SLOW_COUNT, lines, shown, slow };
