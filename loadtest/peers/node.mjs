// The SSE broker that everybody writes first, as a peer to measure: plain Node, no packages.
// GET / subscribes, POST / publishes to all. Run: node loadtest/peers/node.mjs 8080
// Over TLS, with HTTP/2 and HTTP/1.1: node loadtest/peers/node.mjs 8443 server.crt server.key
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createSecureServer } from 'node:http2';

const [port = 0, cert, key] = process.argv.slice(2);
const streams = new Set();
let id = 0;

const answer = (request, response) => {
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.flushHeaders();
    streams.add(response);
    response.on('close', () => streams.delete(response));
    return;
  }
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const event = `id: ${++id}\ndata: ${Buffer.concat(parts)}\n\n`;
    for (const stream of streams) stream.write(event);
    response.writeHead(202, { 'content-length': 0 }).end();
  });
};

const server = cert
  ? createSecureServer({ cert: readFileSync(cert), key: readFileSync(key), allowHTTP1: true }, answer)
  : createServer(answer);
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 }, () =>
  console.log(`listening on ${cert ? 'https' : 'http'}://127.0.0.1:${server.address().port}`),
);
