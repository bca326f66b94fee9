// The thread that has a debugger's connection: the engine's own thread stands still while its user
// looks around, and hears nothing but what is in shared memory.
//
//     client ── bytes ──▶ this thread ── message, then a count ──▶ engine, which looks or waits
//
// One client at a time: a second one is told so in a line, and refused.

import net from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const { words, port, packetBytesMax } = workerData;
const NEWS = 0;
/** A client that does not read has so much in wait for it at most. */
const UNSENT_BYTES_MAX = 1 << 22;

const DOLLAR = 0x24;
const HASH = 0x23;

let client;
/** The packet that is coming: how long its data is, their sum, and the digits behind them. */
let packet;
let acknowledges = true;
const server = net.createServer((socket) => {
  socket.on('error', () => undefined); // it is followed by 'close'
  if (client !== undefined) {
    socket.destroy();
    tell({ kind: 'refused' });
    return;
  }
  client = socket;
  packet = undefined;
  acknowledges = true;
  socket.setNoDelay(true);
  socket.on('data', (bytes) => {
    if (socket !== client) return;
    if (acknowledges) acknowledge(bytes);
    tell({ kind: 'bytes', bytes: new Uint8Array(bytes) });
  });
  socket.on('close', () => {
    if (socket !== client) return;
    client = undefined;
    tell({ kind: 'gone' });
  });
  tell({ kind: 'connected' });
});

server.on('error', (error) => {
  tell({ kind: 'failed', code: error.code, message: error.message });
});
server.on('listening', () => tell({ kind: 'listening', port: server.address()?.port }));

port.on('message', (message) => {
  if (message.kind === 'listen') server.listen(message.at);
  else if (message.kind === 'send') send(message.text);
  else if (message.kind === 'drop') client?.end();
  else if (message.kind === 'acknowledge no more') acknowledges = false;
  else if (message.kind === 'close') close();
});

/**
 * Acknowledges packets when they come, whatever the engine does then: a client that hears nothing
 * for two seconds sends a packet again, and would have two answers to it.
 */
function acknowledge(bytes) {
  for (const byte of bytes) {
    if (packet?.digits !== undefined) endOfPacket(byte);
    else if (byte === DOLLAR) packet = { length: 0, sum: 0, digits: undefined };
    else if (packet !== undefined && byte === HASH) packet.digits = '';
    else if (packet !== undefined) inPacket(byte);
  }
}

function inPacket(byte) {
  packet.length += 1;
  packet.sum += byte;
}

/** What is no packet, or too long, whoever reads it refuses. */
function endOfPacket(byte) {
  packet.digits += String.fromCharCode(byte);
  if (packet.digits.length < 2) return;
  const isWhole = /^[0-9a-f]{2}$/i.test(packet.digits) && packet.length <= packetBytesMax;
  if (isWhole && parseInt(packet.digits, 16) === packet.sum % 256) client.write('+');
  packet = undefined;
}

function send(text) {
  if (client === undefined) return;
  if (client.writableLength > UNSENT_BYTES_MAX) client.destroy();
  else client.write(text, 'latin1');
}

function close() {
  client?.destroy();
  server.close();
  port.close();
  parentPort.close();
}

function tell(message) {
  port.postMessage(message);
  Atomics.add(words, NEWS, 1);
  Atomics.notify(words, NEWS);
  parentPort.postMessage('news');
}
