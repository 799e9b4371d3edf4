// The SSE broker that everybody writes first, as a peer to measure: plain Node, no packages.
// GET / subscribes, POST / publishes to all. Run: node loadtest/peers/node.mjs 8080
import { createServer } from 'node:http';

const streams = new Set();
let id = 0;

const server = createServer((request, response) => {
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
});
server.listen({ port: Number(process.argv[2] ?? 0), host: '127.0.0.1', backlog: 4096 }, () =>
  console.log(`listening on http://127.0.0.1:${server.address().port}`),
);
