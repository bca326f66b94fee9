// The thread that does a disk's file I/O, so that the kernel loop never waits for a disk. Plain
// JavaScript, because a worker thread does not inherit the loader that reads TypeScript. Its
// counterpart is worker-file.ts, which says how the two rings are laid out; bytes move straight
// between the file and the board's RAM, which both threads share.

import { fdatasyncSync, readSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

const { fd, control, ram, layout } = workerData;
const words = new Int32Array(control);
const positions = new Float64Array(control);
const bytes = new Uint8Array(ram);
const zeroes = new Uint8Array(1 << 20);
const unwanted = new Uint8Array(workerData.layout.EXTENT_BYTES);
const { REQUEST_TAIL, REQUEST_HEAD, DONE_TAIL, WORKER_SLEEPS, MAIN_SLEEPS, STOP } = layout.words;
const { SLOTS, REQUESTS_AT, REQUEST_WORDS, DONE_AT, DONE_WORDS, SPINS } = layout;

let head = 0;
let doneTail = 0;

function transfer(operation, at, length, position) {
  let done = 0;
  while (done < length) {
    const moved =
      operation === layout.READ
        ? readSync(fd, bytes, at + done, length - done, position + done)
        : writeSync(fd, bytes, at + done, length - done, position + done);
    if (moved === 0) throw new Error('the file ends early');
    done += moved;
  }
}

// Brings the rest of the extents that a read has touched into the page cache.
function warm(position, length) {
  const { EXTENT_BYTES } = layout;
  const end = position + length;
  for (let at = position - (position % EXTENT_BYTES); at < end; at += EXTENT_BYTES) {
    if (at < position || at + EXTENT_BYTES > end) readSync(fd, unwanted, 0, EXTENT_BYTES, at);
  }
}

function zero(length, position) {
  for (let done = 0; done < length;) {
    const part = Math.min(zeroes.length, length - done);
    done += writeSync(fd, zeroes, 0, part, position + done);
  }
}

function perform(slot) {
  const at = REQUESTS_AT + slot * REQUEST_WORDS;
  const operation = words[at];
  // Word 4 and 5 of a request are a double: the byte in the file. Word 6 and 7: the length in
  // bytes.
  const position = positions[(at + 4) >> 1];
  const length = positions[(at + 6) >> 1];
  try {
    if (operation === layout.FLUSH) fdatasyncSync(fd);
    else if (operation === layout.ZERO) zero(length, position);
    else transfer(operation, words[at + 2], length, position);
    if (operation === layout.READ) warm(position, length);
    return 0;
  } catch (error) {
    parentPort.postMessage({ error: error instanceof Error ? error.message : String(error) });
    return 1;
  }
}

function finish(tag, status) {
  const at = DONE_AT + (doneTail & (SLOTS - 1)) * DONE_WORDS;
  words[at] = tag;
  words[at + 1] = status;
  doneTail = (doneTail + 1) | 0;
  Atomics.store(words, DONE_TAIL, doneTail);
  Atomics.notify(words, DONE_TAIL);
  if (Atomics.compareExchange(words, MAIN_SLEEPS, 1, 0) === 1) parentPort.postMessage({ done: 1 });
}

function waitForWork() {
  for (let spin = 0; spin < SPINS; spin += 1) {
    if (Atomics.load(words, REQUEST_TAIL) !== head) return;
  }
  Atomics.store(words, WORKER_SLEEPS, 1);
  // Returns at once when a request has come since: the flag was raised before the look.
  Atomics.wait(words, REQUEST_TAIL, head);
  Atomics.store(words, WORKER_SLEEPS, 0);
}

while (Atomics.load(words, STOP) === 0) {
  if (Atomics.load(words, REQUEST_TAIL) === head) {
    waitForWork();
    continue;
  }
  const slot = head & (SLOTS - 1);
  const tag = words[REQUESTS_AT + slot * REQUEST_WORDS + 1];
  const status = perform(slot);
  head = (head + 1) | 0;
  Atomics.store(words, REQUEST_HEAD, head);
  finish(tag, status);
}
