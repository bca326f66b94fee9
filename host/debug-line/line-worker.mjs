// The thread that has a debugger's connection: the engine's own thread stands still while its user
// looks around, and hears nothing but what is in shared memory.
//
//     client ── bytes ──▶ this thread ── message, then a count ──▶ engine, which looks or waits
//
// One client at a time: a second one is told so in a line, and refused.

import fs from 'node:fs';
import net from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const { words, port, address } = workerData;
/** Of a name that is a number alone, Node would make a TCP port, open to everybody. */
const path = /^[^/]+$/.test(address.path ?? '/') ? `./${address.path}` : address.path;
const NEWS = 0;
/** A client that does not read has so much in wait for it at most. */
const UNSENT_BYTES_MAX = 1 << 22;

let client;
const server = net.createServer((socket) => {
  socket.on('error', () => undefined); // it is followed by 'close'
  if (client !== undefined) {
    socket.destroy();
    tell({ kind: 'refused' });
    return;
  }
  client = socket;
  socket.setNoDelay(true);
  socket.on('data', (bytes) => {
    if (socket === client) tell({ kind: 'bytes', bytes: new Uint8Array(bytes) });
  });
  socket.on('close', () => {
    if (socket !== client) return;
    client = undefined;
    tell({ kind: 'gone' });
  });
  tell({ kind: 'connected' });
});

server.on('error', (error) => {
  if (error.code === 'EADDRINUSE' && address.kind === 'unix') void replaceLeftover();
  else tell({ kind: 'failed', code: error.code, message: error.message });
});
server.on('listening', () => tell({ kind: 'listening', port: server.address()?.port }));

port.on('message', (message) => {
  if (message.kind === 'send') send(message.text);
  else if (message.kind === 'drop') client?.end();
  else if (message.kind === 'close') close();
});

listen();

function listen() {
  if (address.kind === 'unix') server.listen(path);
  else server.listen(address.port, address.host);
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

/** A socket on which nobody listens has been left behind by a run that was killed. */
function replaceLeftover() {
  const taken = () => tell({ kind: 'failed', code: 'EADDRINUSE', message: 'in use' });
  if (!fs.lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return taken();
  const probe = net.createConnection({ path });
  probe.on('connect', () => {
    probe.destroy();
    taken();
  });
  probe.on('error', (error) => {
    if (error.code !== 'ECONNREFUSED') return taken();
    fs.rmSync(path, { force: true });
    listen();
  });
}

function tell(message) {
  port.postMessage(message);
  Atomics.add(words, NEWS, 1);
  Atomics.notify(words, NEWS);
  parentPort.postMessage('news');
}
