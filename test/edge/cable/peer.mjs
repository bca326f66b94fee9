/**
 * The ends of connections, for a test in two networks: `serve-tcp ADDRESS PORT` and `serve-udp
 * ADDRESS PORT` send back what they get; `ask-tcp ADDRESS PORT BYTES CONNECTIONS` opens so many, 32
 * at a time, has each send so many bytes and get them back, and then, while all are open, once
 * more; `ask-udp ADDRESS PORT` does it with one datagram. Whoever asks prints what came of it.
 */

import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createConnection, createServer } from 'node:net';

const OPENED_AT_ONCE = 32;
/** For whoever asks: what has not come back by then is lost. */
const LIMIT_MS = 60_000;

const [mode, address, port, bytes, connections] = process.argv.slice(2);

if (mode.startsWith('ask')) setTimeout(() => process.exit(1), LIMIT_MS).unref();

switch (mode) {
  case 'serve-tcp':
    createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(
      { port, host: address, backlog: 1024 },
      () => console.log('ready'),
    );
    break;
  case 'serve-udp': {
    const socket = createSocket('udp4');
    socket.on('message', (message, { address: to, port: at }) => socket.send(message, at, to));
    socket.bind(Number(port), address, () => console.log('ready'));
    break;
  }
  case 'ask-udp': {
    const socket = createSocket('udp4');
    socket.send('hello', Number(port), address);
    socket.once('message', (message, { address: from }) => {
      console.log(`${message} from ${from}`);
      socket.close();
    });
    break;
  }
  default:
    await askTcp();
}

async function askTcp() {
  const sockets = [];
  let same = 0;
  while (sockets.length < Number(connections)) {
    const some = Math.min(OPENED_AT_ONCE, Number(connections) - sockets.length);
    const opened = await Promise.all(Array.from({ length: some }, open));
    same += (await Promise.all(opened.map(exchange))).filter(Boolean).length;
    sockets.push(...opened);
  }
  same += (await Promise.all(sockets.map(exchange))).filter(Boolean).length;
  console.log(`${sockets.length} connections, ${same} times the same bytes`);
  for (const socket of sockets) socket.destroy();
}

function open() {
  return new Promise((resolve, reject) => {
    const socket = createConnection(Number(port), address, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** @returns whether what was sent has come back */
async function exchange(socket) {
  const sent = randomBytes(Number(bytes));
  const pieces = [];
  let left = sent.length;
  const back = new Promise((resolve, reject) => {
    socket.on('error', reject).on('data', (piece) => {
      pieces.push(piece);
      left -= piece.length;
      if (left <= 0) resolve(Buffer.concat(pieces));
    });
  });
  socket.write(sent);
  const got = await back;
  socket.removeAllListeners('data');
  return got.equals(sent);
}
