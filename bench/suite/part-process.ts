/**
 * Runs one part of a benchmark in a process of its own. What a part leaves behind (compiled code,
 * kinds of objects that the engine has seen, a large heap) would slow the next one; and a part that
 * dies takes no other's figures with it.
 */

import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { causeOfDeath } from '../../host/watch/cause-of-death.ts';
import type { BenchRow } from '../results.ts';
import { SAMPLES, type Benchmark, type BenchPart, type BenchSettings } from './benchmark.ts';
import { thrownText } from '../../memory/thrown-text.ts';

/** What can be written down of the settings. */
export type PartRequest = Omit<BenchSettings, 'onProgress' | 'onNotice'>;

type PartMessage =
  | { readonly kind: 'progress' | 'notice' | 'failed'; readonly text: string }
  | { readonly kind: 'rows'; readonly rows: readonly BenchRow[] };

export type PartOutcome =
  | { readonly kind: 'measured'; readonly rows: readonly BenchRow[] }
  | { readonly kind: 'failed'; readonly reason: string };

/** @param signal ends the process, wherever it is */
export function measureInChild(
  name: { readonly benchmark: string; readonly part: string },
  settings: BenchSettings,
  signal?: AbortSignal,
): Promise<PartOutcome> {
  const { onProgress, onNotice, ...request } = settings;
  const args = ['bench', name.benchmark, '--part', name.part, '--request', JSON.stringify(request)];
  const child = fork(programPath(), args, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    ...(signal === undefined ? {} : { signal, killSignal: 'SIGKILL' }),
  });
  let outcome: PartOutcome | undefined;
  child.on('message', (message: PartMessage) => {
    if (message.kind === 'progress') onProgress(message.text);
    else if (message.kind === 'notice') onNotice(message.text);
    else if (message.kind === 'rows') outcome = { kind: 'measured', rows: message.rows };
    else outcome = { kind: 'failed', reason: message.text };
  });
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ kind: 'failed', reason: error.message }));
    void causeOfDeath(child).then((how) => {
      resolve(outcome ?? { kind: 'failed', reason: `its process ended: ${how}` });
    });
  });
}

/** The other side: measures and tells the parent. */
export async function measureForParent(part: BenchPart, request: PartRequest): Promise<void> {
  const tell = (message: PartMessage): Promise<void> =>
    new Promise((resolve) => {
      if (process.send === undefined) resolve();
      else process.send(message, () => resolve());
    });
  const rows = await measurePart(part, {
    ...request,
    onProgress: (text) => void tell({ kind: 'progress', text }),
    onNotice: (text) => void tell({ kind: 'notice', text }),
  });
  if (rows.kind === 'measured') await tell({ kind: 'rows', rows: rows.rows });
  else await tell({ kind: 'failed', text: rows.reason });
  process.disconnect();
}

/** @returns nothing where the text is no request of ours */
export function readRequest(text: string): PartRequest | undefined {
  try {
    const request: unknown = JSON.parse(text);
    return isRequest(request) ? request : undefined;
  } catch {
    return undefined;
  }
}

function isRequest(value: unknown): value is PartRequest {
  return (
    typeof value === 'object' &&
    value !== null &&
    'length' in value &&
    typeof value.length === 'string' &&
    Object.hasOwn(SAMPLES, value.length) &&
    'repeat' in value &&
    typeof value.repeat === 'number' &&
    'sampleNs' in value &&
    typeof value.sampleNs === 'number'
  );
}

/** In this process. */
export async function measurePart(part: BenchPart, settings: BenchSettings): Promise<PartOutcome> {
  try {
    return { kind: 'measured', rows: await part.measure(settings) };
  } catch (error) {
    return { kind: 'failed', reason: thrownText(error) };
  }
}

/** @returns seconds */
export function plannedSeconds(part: BenchPart, settings: PartRequest): number {
  const samples = SAMPLES[settings.length].repeat;
  return part.seconds[settings.length] * Math.max(0.5, settings.repeat / samples);
}

export function findPart(
  benchmarks: readonly Benchmark[],
  name: { readonly benchmark: string; readonly part: string },
): BenchPart | undefined {
  const benchmark = benchmarks.find((each) => each.name === name.benchmark);
  return benchmark?.parts.find((each) => each.name === name.part);
}

/** `cli/sddf.mjs`, which runs the sources, or what has been compiled of them to `dist/`. */
function programPath(): string {
  const here = ['../../cli/sddf.mjs', '../../../cli/sddf.mjs'];
  const paths = here.map((path) => fileURLToPath(new URL(path, import.meta.url)));
  return paths.find((path) => existsSync(path)) ?? (paths[0] as string);
}
