// Sends bytes to a TCP port as fast as they are taken, until it is ended. Plain JavaScript: it is a
// process of its own.

import { createConnection } from 'node:net';

const [host, port] = process.argv.slice(2);
const piece = Buffer.alloc(1 << 18, 0x5a);
const socket = createConnection(Number(port), host, more);
socket.on('drain', more);

function more() {
  while (socket.write(piece)) continue;
}
