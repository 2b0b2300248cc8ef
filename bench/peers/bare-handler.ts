import { getHeapStatistics } from 'node:v8';
import uWS from 'uWebSockets.js';

/**
 * The smallest thing that can answer `POST /bid`: a uWebSockets.js handler that reads the body and answers 202, without parsing, without
 * Kafka. What ingest is measured against. Prints where it listens, and its CPU time when asked at /cpu.
 */
const app = uWS.App();

app.post('/bid', (response) => {
  response.onAborted(() => undefined);
  let bytes = 0;
  response.onData((chunk, isLast) => {
    bytes += chunk.byteLength;
    if (isLast)
      response.writeStatus('202 Accepted').writeHeader('Content-Type', 'application/json').end(`{"status":"accepted","bytes":${bytes}}`);
  });
});

app.get('/cpu', (response) => {
  const { user, system } = process.cpuUsage();
  response
    .writeHeader('Content-Type', 'application/json')
    .end(JSON.stringify({ cpuMicros: user + system, heapBytes: getHeapStatistics().used_heap_size }));
});

app.listen('127.0.0.1', 0, (socket) => {
  if (socket === false) throw new Error('the bare handler found no port');
  process.stdout.write(`${JSON.stringify({ ready: true, port: uWS.us_socket_local_port(socket) })}\n`);
});

process.stdin.on('end', () => process.exit(0)).resume();
process.on('SIGTERM', () => process.exit(0));
