/**
 * Goal: a campaign over Redis comes to the same end whoever dies on the way: a worker in the middle
 * of a job, Redis with all that was in it, Redis that has no room. Method: Debian's redis-server on
 * a port of its own, the real commands, SIGKILL.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../host/net/free-port.ts';
import { childrenOf } from '../../test/support/child-processes.ts';
import { longTest } from '../../test/support/long-test.ts';
import { sddfCommand } from '../../test/support/sddf-command.ts';
import { SeedFleet } from './fleet.ts';
import type { CampaignRequest } from './request.ts';
import { loadTarget } from './target.ts';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';

const SERVER = 'redis-server';
const hasServer = [SERVER, 'redis-cli'].every(
  (each) => spawnSync(each, ['--version']).status === 0,
);
const hasPackages = ['bullmq', 'ioredis'].every((name) => existsSync(`node_modules/${name}`));
const SEEDS = 24;
const HANG_MS = 240_000;

/** A process, and what it has said on standard error. */
class Started {
  readonly child: ChildProcess;
  out = '';
  said = '';
  readonly ended: Promise<number | null>;

  constructor(command: string, ...args: readonly string[]) {
    this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (text) => (this.out += String(text)));
    this.child.stderr?.on('data', (text) => (this.said += String(text)));
    this.ended = new Promise((resolve) => this.child.on('exit', resolve));
    all.push(this);
  }

  async says(text: string): Promise<void> {
    while (!this.said.includes(text)) {
      if (this.child.exitCode !== null) throw new Error(`ended without '${text}': ${this.said}`);
      await pause();
    }
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.child.kill(signal);
    await this.ended;
  }
}

const all: Started[] = [];
let port = 0;
let url = '';

function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 50);
  });
}

async function startRedis(): Promise<Started> {
  const args = ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no'];
  const server = new Started(SERVER, ...args, '--maxmemory-policy', 'noeviction');
  while (!server.out.includes('Ready to accept connections')) await pause();
  return server;
}

/** @returns the lines of the answer */
function ask(...words: readonly string[]): readonly string[] {
  const { stdout } = spawnSync('redis-cli', ['-p', String(port), ...words], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line !== '');
}

/** Worlds that a worker has begun. */
function begun(): number {
  return Number(ask('llen', 'sddf:worlds:active')[0]);
}

/** What there is of campaigns. */
function inRedis(): readonly string[] {
  return ask('keys', 'sddf:worlds:*-*-*');
}

function workersOf({ child: { pid = 0 } }: Started): readonly number[] {
  return childrenOf(pid).map(Number);
}

function sddf(...args: readonly string[]): Started {
  return new Started(process.execPath, sddfCommand(), ...args);
}

function campaign(): Started {
  return sddf('sim', 'echo', '--seeds', `1..${SEEDS}`, '--amount', '5', '--redis', url, '--json');
}

describe.runIf(hasServer && hasPackages)(
  `a campaign over Redis (needs ${SERVER}, bullmq, ioredis)`,
  () => {
    beforeEach(async () => {
      port = await freePort('tcp');
      url = `redis://127.0.0.1:${port}`;
    });
    afterEach(() => {
      for (const { child } of all.splice(0)) child.kill('SIGKILL');
    });

    longTest('loses nothing: a full Redis, a killed worker, a Redis that forgets', async () => {
      const first = await startRedis();
      ask('config', 'set', 'maxmemory', '1');
      const sim = campaign();
      await sim.says('is full (maxmemory); waits until it has room');
      ask('config', 'set', 'maxmemory', '0');

      const victim = sddf('worker', url, '--jobs', '1');
      await victim.says('works for campaigns at 127.0.0.1:');
      while (begun() === 0) await pause();
      await victim.kill('SIGKILL');
      expect(begun()).toBe(1);

      await first.kill('SIGKILL');
      await sim.says('is gone; waits until it is back');
      await startRedis();
      await sim.says('is back');

      const worker = sddf('worker', url, '--jobs', '2');
      expect(await sim.ended).toBeLessThan(2);
      expect(JSON.parse(sim.out)).toMatchObject({ worlds: SEEDS, void: 0 });
      await worker.kill('SIGINT');
      expect(worker.out).toBe(`${SEEDS} worlds\n`);
    });

    longTest('ends in a line when Redis refuses what is asked of it', async () => {
      await startRedis();
      for (const key of ['wait', 'meta', 'events']) ask('set', `sddf:worlds:${key}`, 'not ours');
      const sim = campaign();

      expect(await sim.ended).toBe(2);
      expect(sim.said).toContain(`sddf: --redis: 127.0.0.1:${port}: WRONGTYPE`);
      expect(sim.said).not.toContain('internal failure');
    });

    longTest('gives the job of a worker that was killed to another one', async () => {
      await startRedis();
      const sim = campaign();
      await sim.says('nobody works there yet; on each machine: sddf worker redis://127.0.0.1:');
      const victim = sddf('worker', url, '--jobs', '1');
      while (begun() === 0) await pause();
      await victim.kill('SIGKILL');
      sddf('worker', url, '--jobs', '1');
      expect(await sim.ended).toBeLessThan(2);
      expect(JSON.parse(sim.out)).toMatchObject({ worlds: SEEDS, void: 0 });
      // Nothing of the campaign is left.
      expect(inRedis()).toEqual([]);
    });

    longTest('goes on when a process of a worker is killed', async () => {
      await startRedis();
      const sim = campaign();
      const worker = sddf('worker', url, '--jobs', '1');
      while (begun() === 0) await pause();
      while (workersOf(worker).length === 0) await pause();
      for (const pid of workersOf(worker)) process.kill(pid, 'SIGKILL');
      await worker.says('sddf: a worker process died ');
      expect(worker.said).toMatch(/, which is (?:run|tried) again: SIGKILL\n/);
      expect(await sim.ended).toBeLessThan(2);
      expect(JSON.parse(sim.out)).toMatchObject({ worlds: SEEDS, failed: 0, void: 0 });
    });

    it(
      'ends on Ctrl-C, says how to go on, and takes its seeds out',
      { timeout: HANG_MS },
      async () => {
        await startRedis();
        const sim = campaign();
        await sim.says('nobody works there yet');
        while (inRedis().length < 3) await pause();
        await sim.kill('SIGINT');
        expect(sim.said).toContain(`stopped; to go on: --seeds 1..${SEEDS}`);
        expect(JSON.parse(sim.out)).toMatchObject({ worlds: 0 });
        // Nothing has been shown.
        expect(await sim.ended).toBe(3);
        expect(inRedis()).toEqual([]);
      },
    );

    it('is refused by a worker whose system is another version', { timeout: HANG_MS }, async () => {
      await startRedis();
      const system = { reference: 'echo', choices: {}, searchPath: [] };
      const { digests } = await loadTarget(system);
      const request: CampaignRequest = {
        ...{ system, digests: { ...digests, description: '0' } },
        ...{
          plan: undefined,
          amount: 5,
          forNs: undefined,
          explore: 'none',
          domains: [],
          twiceEvery: 0,
        },
      };
      const fleet = new SeedFleet({
        ...{ url, request, seeds: { first: 1, last: 1 } },
        ...{ onReport: () => undefined, onNotice: () => undefined },
      });
      sddf('worker', url, '--jobs', '1');
      await expect(fleet.run()).rejects.toThrow(
        'echo: is another version here: the description differs',
      );
    });
  },
);

describe.runIf(hasPackages)('an address that is none', () => {
  it.each([
    [
      ['sim', 'echo', '--redis', 'redis://127.0.0.1:1'],
      /--redis: 127\.0\.0\.1:1: nobody listens there; /,
    ],
    [
      ['sim', 'echo', '--redis', '127.0.0.1'],
      /--redis: '127\.0\.0\.1' is no address such as redis:/,
    ],
    [['sim', 'echo', '--redis', 'redis://:secret@127.0.0.1:1'], /--redis: 127\.0\.0\.1:1: nobody/],
    [
      ['sim', 'echo', '--redis', 'redis://127.0.0.1:1', '--jobs', '2'],
      /--jobs: .* sddf worker takes it/,
    ],
    [['worker', 'redis://127.0.0.1:1'], /sddf: worker: 127\.0\.0\.1:1: nobody listens there; /],
    [['worker', 'http://127.0.0.1'], /sddf: worker: 'http:\/\/127\.0\.0\.1' is no address/],
  ])('%j is one line and status 2', async (args, line) => {
    const { stderr, status } = await sddfInProcess(...args);
    expect(stderr.trim()).toMatch(line);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(2);
  });
});
