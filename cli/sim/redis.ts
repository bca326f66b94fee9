/**
 * The queue of worlds in Redis, as BullMQ keeps it: campaigns put seeds into it, workers on any
 * machine take them out. Both packages are optional: they are loaded when they are asked for, and
 * what is used of them is written down here, so that a tree without them compiles.
 */

import { createRequire } from 'node:module';
import { UserMistake } from '../../host/problem.ts';
import { thrownText } from '../../memory/thrown-text.ts';
import type { SeedReport } from '../../sim/campaign/campaign.ts';
import type { CampaignRequest } from './request.ts';

/** Seeds that are run in one go, in order. */
export interface WorldJob {
  readonly request: CampaignRequest;
  readonly first: number;
  readonly last: number;
}

export type WorldResult = readonly SeedReport[];

/** Of ioredis. */
export interface Redis {
  readonly status: string;
  on(event: string, listener: (error: Error) => void): void;
  connect(): Promise<void>;
  ping(): Promise<string>;
  disconnect(): void;
}

interface Ioredis {
  readonly Redis: new (url: string, options: object) => Redis;
}

/** Of BullMQ's jobs. */
export interface QueuedWorlds {
  readonly failedReason?: string;
  readonly returnvalue: WorldResult;
  remove(): Promise<void>;
}

/** Of BullMQ's queue. */
export interface WorldQueue {
  on(event: 'error', listener: (error: Error) => void): void;
  add(name: string, data: WorldJob, options: object): Promise<unknown>;
  getJob(id: string): Promise<QueuedWorlds | undefined>;
  getJobState(id: string): Promise<string>;
  getRanges(states: readonly string[], start: number, end: number): Promise<readonly string[]>;
  getWorkersCount(): Promise<number>;
  /** @returns 1 when it is gone */
  remove(id: string): Promise<number>;
  close(): Promise<void>;
}

/** Of BullMQ's worker. */
export interface QueueWorker {
  on(event: 'error', listener: (error: Error) => void): void;
  /** When what it has begun is done. */
  close(): Promise<void>;
}

interface Bullmq {
  readonly Queue: new (name: string, options: object) => WorldQueue;
  readonly Worker: new (
    name: string,
    work: (job: { readonly data: WorldJob }) => Promise<WorldResult>,
    options: object,
  ) => QueueWorker;
}

export const QUEUE = 'worlds';
export const PREFIX = 'sddf';
const CONNECT_MS = 5_000;
const RETRY_MS_MAX = 1_000;

export interface RedisOptions {
  /** `redis://…` or `rediss://…`. */
  readonly url: string;
  /** How messages name what gave the address, such as `--redis`. */
  readonly by: string;
  /** Told when the server goes and comes back. */
  readonly onNotice: (line: string) => void;
}

/** @throws UserMistake when nobody answers there, or the packages are not installed */
export async function connectRedis({ url, by, onNotice }: RedisOptions): Promise<Redis> {
  const name = placeOf(url, by);
  const { Redis } = load<Ioredis>('ioredis');
  const probe = new Redis(url, { lazyConnect: true, ...ONCE });
  let reason: unknown;
  probe.on('error', (error) => (reason ??= error));
  try {
    await probe.connect();
    await probe.ping();
  } catch (error) {
    // That the connection is closed is all that the promise says.
    throw new UserMistake(`${by}: ${name}: ${reasonOf(reason ?? error)}`);
  } finally {
    probe.disconnect();
  }
  const redis = new Redis(url, {
    // Whoever waits, waits until it is back.
    maxRetriesPerRequest: null,
    retryStrategy: (times: number) => Math.min(100 * times, RETRY_MS_MAX),
  });
  let isGone = false;
  redis.on('error', () => undefined); // 'close' follows
  redis.on('close', () => {
    if (!isGone) onNotice(`Redis at ${name} is gone; waits until it is back`);
    isGone = true;
  });
  redis.on('ready', () => {
    if (isGone) onNotice(`Redis at ${name} is back`);
    isGone = false;
  });
  return redis;
}

const ONCE = {
  connectTimeout: CONNECT_MS,
  maxRetriesPerRequest: 0,
  retryStrategy: () => null,
};

/** @throws UserMistake when it is not installed */
export function loadBullmq(): Bullmq {
  return load<Bullmq>('bullmq');
}

/**
 * @returns where a server is, without the password that the address may have
 * @throws UserMistake
 */
export function placeOf(url: string, by: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^rediss?:$/.test(parsed.protocol) || parsed.hostname === '') {
    throw new UserMistake(`${by}: '${url}' is no address such as redis://127.0.0.1:6379`);
  }
  return `${parsed.hostname}:${parsed.port === '' ? '6379' : parsed.port}`;
}

/** Whether Redis refuses to keep more: `maxmemory` with `noeviction`. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && /\bOOM\b/.test(error.message);
}

function load<Module>(name: string): Module {
  try {
    return createRequire(import.meta.url)(name) as Module;
  } catch (error) {
    if ((error as { readonly code?: string }).code !== 'MODULE_NOT_FOUND') throw error;
    throw new UserMistake(
      `campaigns over Redis need the optional package ${name}, which is not installed: npm install`,
    );
  }
}

function reasonOf(error: unknown): string {
  const { code, message = '' } = error as { readonly code?: string; readonly message?: string };
  if (code === 'ECONNREFUSED')
    return 'nobody listens there; start redis-server (Debian: redis-server) or name another address';
  if (code === 'ENOTFOUND') return 'no such host';
  return message === '' ? thrownText(error) : (message.split('\n')[0] ?? '');
}
