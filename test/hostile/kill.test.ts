/**
 * Goal: a run that is ended at any moment leaves a disk that holds what it has promised. After INT
 * and TERM: everything that was answered. After KILL: everything that a FUA write or a flush has
 * answered for. Over the image itself and over an overlay in a file, with requests under way, again
 * and again: SDDF_KILL_ROUNDS (1 unless told; 20 in CI), SDDF_KILL_SEED.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../../board/random.ts';
import { startLiveBlk } from '../support/live-blk.ts';
import { NbdClient } from '../support/nbd-client.ts';
import { SddfProcess } from '../support/sddf-process.ts';

const ROUNDS = Number(process.env['SDDF_KILL_ROUNDS'] ?? 1);
const SEED = Number(process.env['SDDF_KILL_SEED'] ?? 20_261_130);
const BLOCKS = 64;
const BLOCK = 4096;
const DEPTH = 8;
const REPLIES_MAX = 400;
const READ = 0;
const WRITE = 1;
const FUA = 1;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sddf-kill-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** For each block, the version that it has to hold at least, and the newest that was asked for. */
interface Promised {
  readonly least: number[];
  readonly most: number[];
}

interface Round {
  readonly disk: string;
  readonly socket: string;
  readonly signal: NodeJS.Signals;
  readonly random: Random;
}

/** Writes until some reply, and kills the run then. */
async function writeAndKill(round: Round, promised: Promised): Promise<void> {
  const { disk, socket, signal, random } = round;
  const sddf = new SddfProcess(['run', 'blk', '--disk', disk, '--nbd', `unix:${socket}`]);
  await sddf.says(/NBD server/);
  const client = await NbdClient.open(socket);
  const underWay = new Map<number, { block: number; version: number; isSync: boolean }>();
  const busy = new Set<number>();
  let cookie = 0;
  const ask = (): void => {
    const block = random.below(BLOCKS);
    if (busy.has(block)) return;
    busy.add(block);
    const version = (promised.most[block] as number) + 1;
    promised.most[block] = version;
    const isSync = random.below(4) === 0;
    cookie += 1;
    underWay.set(cookie, { block, version, isSync });
    const bytes = Buffer.alloc(BLOCK);
    for (let at = 0; at < BLOCK; at += 4) bytes.writeUInt32LE(version, at);
    const request = { offset: block * BLOCK, length: BLOCK, flags: isSync ? FUA : 0, cookie };
    client.send({ type: WRITE, ...request }, bytes);
  };
  const replies = 1 + random.below(REPLIES_MAX);
  for (let n = 0; n < replies; n += 1) {
    while (underWay.size < DEPTH) ask();
    const reply = await client.reply();
    const done = underWay.get(reply.cookie);
    underWay.delete(reply.cookie);
    if (done === undefined || reply.error !== 0) throw new Error(`reply ${n}: ${reply.error}`);
    busy.delete(done.block);
    if (signal !== 'SIGKILL' || done.isSync) promised.least[done.block] = done.version;
  }
  sddf.child.kill(signal);
  await sddf.ended;
  client.close();
}

/** @returns the version of each block; a block of several versions is none */
async function readVersions(disk: string, socket: string): Promise<(number | string)[]> {
  const live = await startLiveBlk([disk], `unix:${socket}`);
  const client = await NbdClient.open(socket);
  const versions: (number | string)[] = [];
  for (let block = 0; block < BLOCKS; block += 1) {
    client.send({ type: READ, offset: block * BLOCK, length: BLOCK });
    const { data } = await client.reply(BLOCK);
    const first = data.readUInt32LE(0);
    const whole = Buffer.alloc(BLOCK);
    for (let at = 0; at < BLOCK; at += 4) whole.writeUInt32LE(first, at);
    versions.push(whole.equals(data) ? first : 'mixed');
  }
  client.close();
  await live.stop();
  return versions;
}

describe.each(['none', 'FILE'] as const)(`a run over overlay=%s (seed ${SEED})`, (overlay) => {
  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    'leaves what it has promised after %s',
    { timeout: 600_000 },
    async (signal) => {
      const image = join(folder, 'disk.img');
      writeFileSync(image, new Uint8Array(BLOCKS * BLOCK));
      const kept = overlay === 'none' ? 'none' : join(folder, 'delta.img');
      const disk = `file=${image},overlay=${kept}`;
      const socket = join(folder, 's.sock');
      const random = new Random(SEED);
      const zeroes = (): number[] => new Array<number>(BLOCKS).fill(0);
      const promised = { least: zeroes(), most: zeroes() };

      for (let round = 0; round < ROUNDS; round += 1) {
        await writeAndKill({ disk, socket, signal, random }, promised);
        const found = await readVersions(disk, socket);
        const wrong = found.flatMap((version, block) => {
          const [least = 0, most = 0] = [promised.least[block], promised.most[block]];
          const isRight = typeof version === 'number' && version >= least && version <= most;
          return isRight
            ? []
            : [`round ${round}, block ${block}: ${version}, not ${least}…${most}`];
        });
        expect(wrong).toEqual([]);
        for (const [block, version] of found.entries()) {
          promised.least[block] = Number(version);
          promised.most[block] = Math.max(promised.most[block] as number, Number(version));
        }
      }
    },
  );
});
