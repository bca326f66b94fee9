/**
 * `sddf worker`: runs worlds for campaigns on any machine, which put their seeds into Redis
 * (`sddf sim --redis`).
 */

import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { groupDigits } from '../../systems/figures.ts';
import { parseCount } from '../quantities.ts';
import { catchInterrupts } from '../run/interrupt.ts';
import { openTerminal, type Terminal } from '../terminal.ts';
import { isFull, connectRedis, loadBullmq, placeOf, PREFIX, QUEUE } from './redis.ts';
import type { WorldJob, WorldResult } from './redis.ts';
import { WorldProcess } from './world-process.ts';

const JOBS = { min: 1, max: 256 };
/** A worker that does not say for so long that it works has died: another one takes its jobs. */
const LOCK_MS = 10_000;
const STALLED_MS = 5_000;
/** A job may lose its worker as often as it likes. */
const STALLED_MAX = 1_000_000;

export function workerCommand(): Command {
  return new Command('worker')
    .description('Runs worlds for campaigns that put their seeds into Redis: sddf sim --redis.')
    .argument('<url>', 'where Redis is, such as redis://127.0.0.1:6379')
    .option('--jobs <count>', 'processes (default: one for each core)')
    .addHelpText(
      'after',
      '\nA system is found as on the command line of the campaign, and has to be the same version.\n' +
        'Ctrl-C ends it when what it has begun is done.\n' +
        '\nExamples:\n  sddf worker redis://127.0.0.1:6379',
    )
    .action(runWorker);
}

async function runWorker(url: string, flags: { readonly jobs?: string }): Promise<void> {
  const terminal = openTerminal('stdout');
  const place = placeOf(url, 'worker');
  const jobs =
    flags.jobs === undefined ? availableParallelism() : parseCount(flags.jobs, '--jobs', JOBS);
  const interrupts = catchInterrupts();
  const onNotice = (line: string): void => terminal.note(`sddf: ${line}`);
  const redis = await connectRedis({ url, by: 'worker', onNotice });
  const { Worker } = loadBullmq();
  const processes = new Processes(terminal, onNotice);
  const worker = new Worker(QUEUE, ({ data }) => processes.run(data), {
    connection: redis,
    prefix: PREFIX,
    concurrency: jobs,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_MS,
    maxStalledCount: STALLED_MAX,
  });
  let wasFull = false;
  worker.on('error', (error) => {
    if (isFull(error) && !wasFull)
      onNotice(`Redis at ${place} is full (maxmemory); the job is done again`);
    wasFull = isFull(error);
  });
  onNotice(`works for campaigns at ${place}, with ${jobs} processes; Ctrl-C ends it`);
  await new Promise<void>((resolve) => interrupts.onRequest(resolve));
  await worker.close();
  await processes.end();
  redis.disconnect();
  terminal.print(`${groupDigits(processes.worlds)} worlds`);
}

/** Processes that have loaded a system are kept for further jobs of the same campaign. */
class Processes {
  worlds = 0;
  readonly #terminal: Terminal;
  readonly #onNotice: (line: string) => void;
  #idle: { readonly campaign: string; readonly process: WorldProcess }[] = [];

  constructor(terminal: Terminal, onNotice: (line: string) => void) {
    this.#terminal = terminal;
    this.#onNotice = onNotice;
  }

  async run({ request, first, last }: WorldJob): Promise<WorldResult> {
    const campaign = JSON.stringify(request);
    const process = await this.#take(
      campaign,
      () => new WorldProcess(request, { onDeath: this.#onNotice }),
    );
    const reports: WorldResult[number][] = [];
    try {
      const seeds = Array.from({ length: last - first + 1 }, (_, index) => first + index);
      await process.run(seeds, (report) => {
        reports.push(report);
        this.worlds += 1;
        this.#terminal.live(`${groupDigits(this.worlds)} worlds`);
      });
    } catch (error) {
      process.kill();
      throw error;
    }
    this.#idle.push({ campaign, process });
    return reports;
  }

  async end(): Promise<void> {
    await Promise.all(this.#idle.map(({ process }) => process.end()));
  }

  async #take(campaign: string, make: () => WorldProcess): Promise<WorldProcess> {
    const known = this.#idle.find((each) => each.campaign === campaign);
    if (known !== undefined) {
      this.#idle = this.#idle.filter((each) => each !== known);
      return known.process;
    }
    // One of another campaign makes room.
    await this.#idle.shift()?.process.end();
    const process = make();
    try {
      await process.ready();
    } catch (error) {
      process.kill();
      throw error;
    }
    return process;
  }
}
