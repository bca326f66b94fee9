// The calls into the C library that make a pseudo-terminal: memory that a call in a thread writes
// to stays its own.

import { constants, openSync, readSync, closeSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { breathe } from '../event-loop.ts';
import { loadPtyCalls } from './libc.ts';

const { O_NOCTTY, O_NONBLOCK, O_RDONLY } = constants;
const PIECE = new Uint8Array(4096);
const WAITS = 40;
const BUFFERS = 2000;

/** The garbage collector, by a flag that counts from now on. */
function exposedCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

describe.runIf(process.platform === 'linux')('waiting for room in a pseudo-terminal', () => {
  it('writes into no memory but its own, whatever is collected meanwhile', async () => {
    const collect = exposedCollector();
    const calls = await loadPtyCalls();
    const { master, slavePath } = calls.open();
    const slave = openSync(slavePath, O_RDONLY | O_NOCTTY | O_NONBLOCK);
    while (calls.write(master, PIECE) > 0);

    const waits = Array.from({ length: WAITS }, () => calls.waitForRoom(master));
    await breathe();
    collect();
    await breathe();
    // As large as `struct pollfd`: what was freed too early is handed out again here.
    const buffers = Array.from({ length: BUFFERS }, () => Buffer.alloc(8));
    drain(slave);
    const outcomes = await Promise.all(waits);
    closeSync(slave);
    calls.close(master);

    expect(buffers.filter((buffer) => buffer.some((byte) => byte !== 0))).toEqual([]);
    expect(outcomes).toContain('room');
  });
});

function drain(descriptor: number): void {
  const bytes = new Uint8Array(65_536);
  try {
    while (readSync(descriptor, bytes) > 0);
  } catch (error) {
    expect(error).toMatchObject({ code: 'EAGAIN' });
  }
}
