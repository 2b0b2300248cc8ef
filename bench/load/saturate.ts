import { connect } from 'node:net';

/**
 * A closed-loop load process (`node saturate.js PORT CONNECTIONS SECONDS`): every connection posts the next body, one a line on standard input, as soon
 * as its last answer is complete. Requests are prebuilt and answers only skimmed (status and length), so that the load costs less than
 * what it measures. Prints `{accepted, others, seconds}` as JSON. For saturation only: it says nothing about latency.
 */
const [port = '', connections = '256', seconds = '5'] = process.argv.slice(2);

let input = '';
for await (const chunk of process.stdin) input += String(chunk);
const requests = input
  .split('\n')
  .filter((line) => line !== '')
  .map((body) => Buffer.from(`POST /bid HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`));
if (requests.length === 0) throw new Error('no bodies on standard input');

const HEAD_END = Buffer.from('\r\n\r\n');
const ACCEPTED = Buffer.from('HTTP/1.1 202');
let accepted = 0;
let others = 0;
let next = 0;
let ending = false;

await new Promise<void>((resolve) => {
  let open = Number(connections);
  const closed = (): void => {
    if (--open === 0) resolve();
  };
  for (let index = 0; index < Number(connections); index++) startConnection(closed);
  setTimeout(() => (ending = true), Number(seconds) * 1000);
});
process.stdout.write(`${JSON.stringify({ accepted, others, seconds: Number(seconds) })}\n`);

function startConnection(closed: () => void): void {
  const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true });
  let rest: Buffer | null = null;
  const post = (): void => {
    if (ending) socket.end();
    else socket.write(requests[next++ % requests.length] as Buffer);
  };
  socket.on('connect', post);
  socket.on('data', (chunk: Buffer) => {
    const answer: Buffer = rest === null ? chunk : Buffer.concat([rest, chunk]);
    const length = answerLength(answer);
    rest = length === null || answer.length < length ? answer : null;
    if (rest !== null) return;
    if (answer.subarray(0, ACCEPTED.length).equals(ACCEPTED)) accepted++;
    else others++;
    post();
  });
  // A connection that the server ends counts as an answer that is no 202.
  socket.on('error', () => others++);
  socket.on('close', closed);
}

/** Bytes of the whole answer, head and body, or null while the head is not complete. */
function answerLength(answer: Buffer): number | null {
  const headEnd = answer.indexOf(HEAD_END);
  if (headEnd === -1) return null;
  const match = /content-length: (\d+)/i.exec(answer.toString('latin1', 0, headEnd));
  return headEnd + HEAD_END.length + Number(match?.[1] ?? 0);
}
