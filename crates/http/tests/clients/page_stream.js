// Gives streams to the demo page's parser, byte by byte and cut at each place, and fails unless it reads what the HTML standard
// says (9.2.6).
"use strict";
const assert = require("node:assert/strict");
const { EventParser } = require("../../src/answer/page_stream.js");

const LAST_ID = "before";
const event = (data, type = "message", id = null) => ({ type, data, id });

// What stands in a stream; the events that it is; the last event id behind it, and the last `retry:`.
const CASES = [
  ["data: a\n\n", [event("a")]],
  ["data: a\r\rdata: b\r\r", [event("a"), event("b")]],
  ["data: a\r\n\r\ndata: b\r\n\r\n", [event("a"), event("b")]],
  ["data: a\r\n\n\rdata: b\r\r\n", [event("a"), event("b")]],
  ["\r\n\r\r\n\n", []],
  ["\u{feff}data: a\n\n\u{feff}data: b\n\n", [event("a")]],
  ["data: \u{feff}a\n\n", [event("\u{feff}a")]],
  ["data: é日🎺\n\n", [event("é日🎺")]],
  ["data: a\ndata:b\ndata\ndata:  c\n\n", [event("a\nb\n\n c")]],
  ["data\n\ndata:\n\ndata: \n\n", [event(""), event(""), event("")]],
  ["data\ndata\n\n", [event("\n")]],
  ["data: a: b\n\n:data: c\n\nDATA: d\n\n data: e\n\n", [event("a: b")]],
  ["event: tick\ndata: a\n\ndata: b\n\n", [event("a", "tick"), event("b")]],
  ["event: tick\nevent\ndata: a\n\n", [event("a")]],
  ["event: tick\n\ndata: a\n\n", [event("a")]],
  ["id: 1\ndata: a\n\ndata: b\n\n", [event("a", "message", "1"), event("b")], "1"],
  ["id: 1\n\n", [], "1"],
  ["id: 1\ndata: a\n", [], LAST_ID],
  ["id\ndata: a\n\n", [event("a", "message", "")], ""],
  ["id: 1\nid: 2\0\ndata: a\n\n", [event("a", "message", "1")], "1"],
  ["id: 1\u{0}2\ndata: a\n\n", [event("a")], LAST_ID],
  ["data: a\0b\n\n", [event("a\0b")]],
  ["retry: 10\nretry: 1x\nretry\nretry: -5\nretry: 1.5\n\n", [], LAST_ID, 10],
  [": only a comment\n:\n\ndata: a\n\n", [event("a")]],
  ["data: not whole", []],
  ["data: not whole\n", []],
];

function read(pieces) {
  const seen = { events: [], lastId: LAST_ID, retry: null };
  const parser = new EventParser(LAST_ID, (event, lastId) => {
    if (event !== null) seen.events.push(event);
    seen.lastId = lastId;
  }, (ms) => { seen.retry = ms; });
  const decoder = new TextDecoder();
  for (const piece of pieces) parser.push(decoder.decode(piece, { stream: true }));
  return seen;
}

for (const [text, events, lastId = LAST_ID, retry = null] of CASES) {
  const bytes = new TextEncoder().encode(text);
  const cuts = [Array.from(bytes, (byte) => Uint8Array.of(byte))];
  for (let at = 0; at <= bytes.length; at += 1) cuts.push([bytes.subarray(0, at), bytes.subarray(at)]);
  for (const pieces of cuts) {
    const where = `${JSON.stringify(text)} in ${pieces.map((piece) => piece.length)}`;
    assert.deepEqual(read(pieces), { events, lastId, retry }, where);
  }
}
