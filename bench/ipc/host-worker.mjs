// The other side of the host's own mechanisms: a thread that answers each message, or takes a
// stream. Plain JavaScript, because a worker thread does not inherit the loader that reads
// TypeScript. Its counterpart is host.ts, which has the protocol.

import { parentPort, workerData } from 'node:worker_threads';

const { mechanism, bytes, window, shared } = workerData;

if (mechanism === 'MessagePort') answerOnPort();
else await answerOnRing();

// One answer for every `window` messages.
function answerOnPort() {
  let count = 0;
  parentPort.on('message', (message) => {
    if (bytes > 0 && message.length !== bytes) throw new Error('a message has another length');
    count += 1;
    if (count % window === 0) parentPort.postMessage(null);
  });
}

async function answerOnRing() {
  const { RingBuffer } = await import('ringbuf.js');
  const { requests, replies, words, layout } = shared;
  const incoming = new RingBuffer(requests, Uint8Array);
  const outgoing = new RingBuffer(replies, Uint8Array);
  const control = new Int32Array(words);
  const message = new Uint8Array(Math.max(1, bytes));
  const answer = new Uint8Array(1);
  let count = 0;
  parentPort.postMessage('ready');
  while (Atomics.load(control, layout.STOP) === 0) {
    if (!take(incoming, message, control, layout)) continue;
    count += 1;
    if (count % window !== 0) continue;
    outgoing.push(answer, 1);
    Atomics.add(control, layout.REPLIES_SENT, 1);
    Atomics.notify(control, layout.REPLIES_SENT);
  }
}

// Looks for a while, then sleeps until something has been sent. Returns whether there was a whole
// message.
function take(ring, message, control, layout) {
  for (let look = 0; look < layout.LOOKS; look += 1) {
    if (ring.available_read() >= message.length) {
      ring.pop(message, message.length);
      return true;
    }
  }
  const seen = Atomics.load(control, layout.REQUESTS_SENT);
  if (ring.available_read() < message.length) {
    Atomics.wait(control, layout.REQUESTS_SENT, seen, layout.SLEEP_MS);
  }
  return false;
}
