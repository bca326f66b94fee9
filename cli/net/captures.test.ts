// Goal: whoever goes back finds a capture's file written anew, and a stream goes on, with another
// section, and without another reader each time. Method: a file, and standard output that is heard.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { VirtualClock } from '../../board/virtual-clock.ts';
import { Ram } from '../../memory/ram.ts';
import type { WireParts } from '../../systems/testbed.ts';
import { Captures } from './captures.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-captures-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FRAME = new Uint8Array(60).fill(0x5a);
const SECTION = Buffer.from('0a0d0d0a', 'hex');

function parts(): WireParts {
  const ram = new Ram({ sizeBytes: 65_536, stagingBytes: 65_536 });
  return { ram, board: { clock: new VirtualClock() } } as unknown as WireParts;
}

it('writes a file anew, and a section behind the others to a stream that it keeps', async () => {
  const path = join(folder, 'run.pcapng');
  const pieces: Buffer[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((bytes, done?: unknown) => {
    pieces.push(Buffer.from(bytes as Uint8Array));
    if (typeof done === 'function') done();
    return true;
  });
  try {
    const listeners = process.stdout.listenerCount('error');
    const captures = await Captures.open({
      targets: [{ kind: 'file', path }, { kind: 'stdout' }],
      clock: 'virtual',
      onNotice: () => undefined,
    });
    captures.of(parts(), 'net0')?.dropped(FRAME, 'first');
    captures.flush();
    const once = readFileSync(path);
    for (let n = 0; n < 3; n += 1) {
      captures.rewind();
      captures.of(parts(), 'net0')?.dropped(FRAME, 'first');
    }
    await captures.close();

    expect(readFileSync(path)).toEqual(once);
    expect(Buffer.concat(pieces)).toEqual(Buffer.concat([once, once, once, once]));
    expect(once.subarray(0, SECTION.length)).toEqual(SECTION);
    expect(process.stdout.listenerCount('error')).toBe(listeners + 1);
  } finally {
    write.mockRestore();
  }
});
