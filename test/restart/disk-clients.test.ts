/**
 * Goal: who uses a disk sees each request that was under way when somebody died beneath it fail
 * once, and is served again afterwards. Method: the NBD server, live, over a real socket, and the
 * file system's command line by `sddf run`; domains that die while requests are under way.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { main as blkDriver } from '../../drivers/blk/virtio/driver.ts';
import type { Program } from '../../microkit/pd.ts';
import { NBD_PD } from '../../systems/block-names.ts';
import { main as blkVirt } from '../../virtualisers/blk/virt.ts';
import { startLiveBlk } from '../support/live-blk.ts';
import { NbdClient } from '../support/nbd-client.ts';
import { sddfInProcess } from '../support/sddf-in-process.ts';

const READ = 0;
const WRITE = 1;
const EIO = 5;
const BYTES = 4096;
const REQUESTS = 24;

/** The program, which dies once at its next wake-up when it is told to. */
function mortal(program: Program, death: { isDue: boolean }): Program {
  return (pd) => {
    const entry = program(pd);
    return {
      ...entry,
      notified: (channel) => {
        if (death.isDue) {
          death.isDue = false;
          throw new Error('dies');
        }
        entry.notified(channel);
      },
    };
  };
}

it.each([NBD_PD, 'blk_virt', 'blk_driver'])(
  'a client of the NBD server keeps its connection: %s dies',
  async (domain) => {
    const folder = mkdtempSync(join(tmpdir(), 'sddf-restart-'));
    const path = join(folder, 's.sock');
    const death = { isDue: false };
    const live = await startLiveBlk(['mem=1M'], `unix:${path}`, {
      choices: { supervised: 'on' },
      programs: (own) => {
        const all = new Map<string, Program>([
          ['blk_driver', blkDriver],
          ['blk_virt', blkVirt],
          ...own,
        ]);
        return all.set(domain, mortal(all.get(domain) as Program, death));
      },
    });
    try {
      const client = await NbdClient.open(path);
      death.isDue = true;
      for (let cookie = 1; cookie <= REQUESTS; cookie += 1) {
        const request = { type: WRITE, offset: cookie * BYTES, length: BYTES, cookie };
        client.send(request, Buffer.alloc(BYTES, cookie));
      }
      const errors = new Map<number, number>();
      for (let answers = 0; answers < REQUESTS; answers += 1) {
        const { cookie, error } = await client.reply();
        expect(errors.has(cookie)).toBe(false);
        errors.set(cookie, error);
      }
      expect(death.isDue).toBe(false);
      expect(new Set([...errors.values(), 0, EIO])).toEqual(new Set([0, EIO]));
      // What was said to be written is there, and requests are served as before.
      for (const [cookie, error] of errors) {
        client.send({ type: READ, offset: cookie * BYTES, length: BYTES, cookie });
        const { data, ...answer } = await client.reply(BYTES);
        expect(answer).toMatchObject({ error: 0, cookie });
        if (error === 0) expect(data.equals(Buffer.alloc(BYTES, cookie))).toBe(true);
      }
      expect(live.testbed.counters().programs['supervisor']).toMatchObject({
        deaths: 1,
        restarts: 1,
        givenUp: 0,
      });
      client.close();
    } finally {
      await live.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

it('a command of the file system ends with an error, and the next one works', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sddf-restart-'));
  const [input, output] = [join(folder, 'in.txt'), join(folder, 'out.txt')];
  writeFileSync(input, 'write a.txt one\nwrite b.txt two\ncat b.txt\n');
  try {
    const devices = ['--disk', 'mem=4M,fat', '--serial', `file,in=${input},out=${output}`];
    const how = ['--clock', 'virtual', '--for', '200ms', '--set', 'supervised=on'];
    // Its first command has been over for long, and the line that makes the next is not typed yet.
    const death = ['--kill', 'blk_virt@1ms'];
    const { status } = await sddfInProcess('run', 'fat', ...devices, ...how, ...death);
    expect(status).toBe(0);
    const said = readFileSync(output, 'latin1').split(/[\r\n]+/);
    expect(said.filter((line) => line.includes('error'))).toEqual(['error: I/O error (read)']);
    expect(said).toContain('b.txt: 4 bytes');
    expect(said).toContain('two');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
