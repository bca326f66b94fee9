/**
 * A campaign over Redis: seeds go into the queue a few at a time, and reports come back from
 * whoever has run them. What a worker leaves behind when it dies is given to another (BullMQ calls
 * such jobs stalled). Only a window of the campaign is in Redis at a time, so that it needs little
 * memory; what is lost there is put in again.
 */

import { randomUUID } from 'node:crypto';
import { UserMistake } from '../../host/problem.ts';
import { RunFailure } from '../../memory/assert.ts';
import { thrownText } from '../../memory/thrown-text.ts';
import type { SeedReport } from '../../sim/campaign/campaign.ts';
import type { SeedRange } from '../../sim/campaign/seed-range.ts';
import type { PoolEnd } from './pool.ts';
import {
  connectRedis,
  isFull,
  loadBullmq,
  placeOf,
  PREFIX,
  QUEUE,
  type Redis,
  type WorldQueue,
} from './redis.ts';
import type { CampaignRequest } from './request.ts';

const SEEDS_OF_A_JOB = 8;
const JOBS_IN_REDIS = 256;
const POLL_MS = 100;
/** Whether all jobs are still there is looked at now and then. */
const LOOK_MS = 5_000;
/** How long the end waits for what is under way. */
const GRACE_MS = 30_000;
const KEPT_SECONDS = 3_600;

export interface FleetOptions {
  readonly url: string;
  readonly request: CampaignRequest;
  readonly seeds: SeedRange;
  readonly onReport: (report: SeedReport) => void;
  readonly onNotice: (line: string) => void;
}

export class SeedFleet {
  readonly #options: FleetOptions;
  readonly #campaign = randomUUID();
  /** Jobs in Redis, by their first seed. */
  readonly #jobs = new Map<string, SeedRange>();
  /** Ranges that have to be put in again. */
  readonly #again: SeedRange[] = [];
  readonly #place: string;
  #next: number;
  #isFull = false;
  #isStopping = false;
  #giveUp: () => void = () => undefined;
  readonly #givenUp = new Promise<'given up'>((resolve) => {
    this.#giveUp = () => resolve('given up');
  });
  #lookedMs = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#place = placeOf(options.url, '--redis');
    this.#next = options.seeds.first;
  }

  /**
   * Puts no more seeds in, takes out those that nobody has begun, and waits for the others for a
   * while.
   */
  stop(): void {
    this.#isStopping = true;
    setTimeout(this.#giveUp, GRACE_MS).unref();
  }

  /** @throws UserMistake when there is no Redis, or a worker cannot run the system */
  async run(): Promise<PoolEnd> {
    const { url, onNotice } = this.#options;
    const redis = await connectRedis({ url, by: '--redis', onNotice });
    const { Queue } = loadBullmq();
    const queue: WorldQueue = new Queue(QUEUE, { connection: redis, prefix: PREFIX });
    queue.on('error', () => undefined); // the connection says it
    try {
      await Promise.race([this.#sayWhoWorks(queue), this.#givenUp]);
      while (!this.#isOver()) {
        const how = await Promise.race([this.#step(queue), this.#givenUp]);
        if (how === 'given up') break;
      }
    } catch (error) {
      throw this.#explained(error);
    } finally {
      await this.#tidy(queue, redis);
    }
    return { next: this.#firstLeft() };
  }

  /** What Redis and its packages say is for its user to put right. */
  #explained(error: unknown): unknown {
    const isBug = [RunFailure, TypeError, RangeError].some((kind) => error instanceof kind);
    if (isBug || error instanceof UserMistake) return error;
    return new UserMistake(`--redis: ${this.#place}: ${thrownText(error)}`);
  }

  #isOver(): boolean {
    const nothingIsOut = this.#jobs.size === 0;
    if (this.#isStopping) return nothingIsOut;
    return nothingIsOut && this.#again.length === 0 && this.#next > this.#options.seeds.last;
  }

  async #sayWhoWorks(queue: WorldQueue): Promise<void> {
    if ((await queue.getWorkersCount()) > 0) return;
    this.#options.onNotice(
      `nobody works there yet; on each machine: sddf worker ${this.#options.url}`,
    );
  }

  async #step(queue: WorldQueue): Promise<void> {
    try {
      await (this.#isStopping ? this.#takeBack(queue) : this.#fill(queue));
      await this.#collect(queue);
      if (this.#isFull) this.#options.onNotice(`Redis at ${this.#place} has room again`);
      this.#isFull = false;
    } catch (error) {
      if (!isFull(error)) throw error;
      if (!this.#isFull) {
        this.#options.onNotice(
          `Redis at ${this.#place} is full (maxmemory); waits until it has room`,
        );
      }
      this.#isFull = true;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS);
    });
  }

  async #fill(queue: WorldQueue): Promise<void> {
    while (this.#jobs.size < JOBS_IN_REDIS) {
      const range = this.#again[0] ?? this.#nextRange();
      if (range === undefined) return;
      const id = `${this.#campaign}-${range.first}`;
      const kept = { age: KEPT_SECONDS };
      await queue.add(
        'worlds',
        { request: this.#options.request, ...range },
        { jobId: id, removeOnComplete: kept, removeOnFail: kept },
      );
      this.#jobs.set(id, range);
      if (this.#again[0] === range) this.#again.shift();
      else this.#next = range.last + 1;
    }
  }

  #nextRange(): SeedRange | undefined {
    const { last } = this.#options.seeds;
    const first = this.#next;
    return first > last ? undefined : { first, last: Math.min(first + SEEDS_OF_A_JOB - 1, last) };
  }

  /** Takes in what has come back. @throws UserMistake when a worker could not do it */
  async #collect(queue: WorldQueue): Promise<void> {
    const ended = await queue.getRanges(['completed', 'failed'], 0, -1);
    for (const id of ended) {
      if (!this.#jobs.has(id)) continue;
      const job = await queue.getJob(id);
      if (job === undefined) continue;
      if (job.failedReason !== undefined) throw new UserMistake(job.failedReason);
      this.#jobs.delete(id);
      for (const report of job.returnvalue) this.#options.onReport(report);
      await job.remove();
    }
    if (Date.now() - this.#lookedMs > LOOK_MS) await this.#putBackTheLost(queue);
  }

  /** A Redis that has lost its memory: what was in it is put in again. */
  async #putBackTheLost(queue: WorldQueue): Promise<void> {
    this.#lookedMs = Date.now();
    for (const [id, range] of this.#jobs) {
      if ((await queue.getJobState(id)) !== 'unknown') continue;
      this.#jobs.delete(id);
      this.#again.push(range);
    }
  }

  /** Takes out what nobody has begun. */
  async #takeBack(queue: WorldQueue): Promise<void> {
    for (const [id, range] of this.#jobs) {
      const state = await queue.getJobState(id);
      if (state === 'active' || state === 'completed' || state === 'failed') continue;
      // Somebody may have begun it just now: then it cannot be removed, and comes back.
      const isGone = state === 'unknown' || (await queue.remove(id)) === 1;
      if (!isGone) continue;
      this.#jobs.delete(id);
      this.#again.push(range);
    }
  }

  /** Nothing of this campaign is left in Redis, if it is there. */
  async #tidy(queue: WorldQueue, redis: Redis): Promise<void> {
    if (redis.status === 'ready') {
      for (const id of this.#jobs.keys()) await queue.remove(id).catch(() => undefined);
      await queue.close();
    }
    redis.disconnect();
  }

  #firstLeft(): number | undefined {
    const { last } = this.#options.seeds;
    const left = [...this.#jobs.values(), ...this.#again].map(({ first }) => first);
    const first = Math.min(this.#next, ...left);
    return first > last ? undefined : first;
  }
}
