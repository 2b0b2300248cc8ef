import uWS from 'uWebSockets.js';
import { acceptedBytes, servePeer } from './peer-life.js';

/**
 * The smallest thing that can answer `POST /bid`: a uWebSockets.js handler that reads the body and answers 202, without parsing, without
 * Kafka. What ingest is measured against.
 */
const app = uWS.App();

app.post('/bid', (response) => {
  response.onAborted(() => undefined);
  let bytes = 0;
  response.onData((chunk, isLast) => {
    bytes += chunk.byteLength;
    if (isLast) response.writeStatus('202 Accepted').writeHeader('Content-Type', 'application/json').end(acceptedBytes(bytes));
  });
});

servePeer(app);
