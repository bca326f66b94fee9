// `sddf path --request` as a user runs it: hops, a picture, and one line for each mistake.

import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';

interface Hop {
  readonly [field: string]: string | number;
}

/** What `sddf` itself says about a mistake. */
async function complaint(line: string): Promise<readonly string[]> {
  const { status, stderr } = await sddfInProcess(...line.split(' '));
  expect(status).toBe(2);
  return stderr.split('\n').filter((one) => one.startsWith('sddf: '));
}

describe('sddf path --request', () => {
  it('follows a request to the disk and back, in the buffer that its client has chosen', async () => {
    const { stdout } = await sddfInProcess('path', 'blk', '--request', '2', '--json');
    const hops = (JSON.parse(stdout) as { results: readonly Hop[] }).results;

    // The client has written two blocks and reads them back.
    expect(hops.map(({ at, what, into, slot }) => [at, what, into, slot])).toEqual([
      ['client', 'asked', 'blk_virt_client_requests', 1],
      ['blk_virt', 'passed', 'blk_driver_blk_virt_requests', 1],
      ['blk_driver', 'passed', 'request virtqueue', -1],
      ['disk', 'read', '', -1],
      ['blk_driver', 'replied', 'blk_driver_blk_virt_responses', 1],
      ['blk_virt', 'replied', 'blk_virt_client_responses', 1],
      ['client', 'taken', '', -1],
    ]);
    expect(hops.map(({ by }) => by).filter((by) => by !== '')).toEqual([
      'Send: notify blk_virt',
      'NBSendRecv: notify blk_driver',
      'Recv',
      'Send: notify blk_virt',
      'Send: notify client',
    ]);
    const buffers = new Set(
      hops.map(({ region, offset }) => `${String(region)} ${String(offset)}`),
    );
    expect(buffers).toEqual(new Set(['client_blk_virt_data 8192']));
    const times = hops.map(({ doneNs }) => Number(doneNs));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it('prints the hops, and draws them', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'path-')), 'request.svg');
    const { status, stdout } = await sddfInProcess('path', 'blk', '--request', '1', '--svg', file);

    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^blk, request 1: 8,192 bytes, client has the response after .*; 0 copies, 0 bytes copied$/m,
    );
    expect(stdout).toMatch(/disk +is written, 8,192 bytes/);
    expect(readFileSync(file, 'utf8').match(/class="at"/g)).toHaveLength(7);
  });

  it('says in one line when there is nothing of what is to be followed', async () => {
    expect(await complaint('path blk --request 100')).toEqual([
      'sddf: --request 100: clients have made only 2 in this run; run longer (--for), or name an earlier one',
    ]);
    expect(await complaint('path blk --packet 1')).toEqual([
      'sddf: blk: the system has no NIC, and path follows frames; --request N follows a request to its disk',
    ]);
    expect(await complaint('path echo --request 1')).toEqual([
      'sddf: echo: the system has no disk, and --request follows requests to one; --packet N follows a frame',
    ]);
  });

  it('says in one line when options do not go together', async () => {
    expect(await complaint('path blk --packet 1 --request 1')).toEqual([
      'sddf: --packet and --request: one is followed at a time; leave one out',
    ]);
    expect(await complaint('path blk --request 0')).toHaveLength(1);
    expect(await complaint('path blk --request 1 --net loop')).toEqual([
      expect.stringContaining('the system has no NIC'),
    ]);
    expect(await complaint('path echo --packet 1 --disk mem=64M')).toEqual([
      expect.stringContaining('the system has no disk'),
    ]);
  });
});
