/** What a run has counted: by the kernel, for each domain, and by the programs themselves. */

import type { KernelCounters } from '../kernel/boot.ts';
import type { DomainImage } from '../microkit/runtime/domain-image.ts';
import { PdImage } from '../microkit/runtime/image.ts';
import type { MachineDomain } from '../microkit/runtime/machine-program.ts';
import type { PdCounters } from '../microkit/runtime/observer.ts';
import { Counters, readCounters } from '../queues/counters.ts';
import type { ProgramCounterNames } from './counter-names.ts';
import { statsRegion, type Work } from './work-meter.ts';

/** What a run has counted. Plain data: under the virtual clock the same run gives the same JSON. */
export interface RunCounters {
  /** Time since power-on. */
  readonly timeNs: number;
  readonly kernel: Readonly<KernelCounters>;
  readonly pds: Readonly<Record<string, Readonly<PdCounters>>>;
  /**
   * Of domains that run machine code: instructions, and under the virtual clock the time that they
   * took.
   */
  readonly harts?: Readonly<Record<string, HartCounters>>;
  /** What programs have counted, in their `stats` regions or in private. */
  readonly programs: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /**
   * Copies of packets or blocks by programs: the sums of their counters `copies` and `bytesCopied`.
   */
  readonly copies: number;
  readonly bytesCopied: number;
  /**
   * With a cost table: how long the processor was not idle, and what programs' work was charged
   * for.
   */
  readonly busyNs?: number;
  readonly work?: Readonly<Work>;
}

export interface HartCounters {
  readonly instructions: number;
  /** Time in user mode; 0 under the host clock, where nobody knows. */
  readonly userNs: number;
}

/** What is counted of domains. */
export function countDomains(
  images: readonly (PdImage | MachineDomain)[],
  names: ProgramCounterNames,
): Pick<RunCounters, 'pds' | 'harts' | 'programs' | 'copies' | 'bytesCopied'> {
  const pds: Record<string, PdCounters> = {};
  const programs: Record<string, Record<string, number>> = {};
  let copies = 0;
  let bytesCopied = 0;
  for (const image of images) {
    pds[image.name] = { ...image.counters };
    const read = readStats(image, names[image.name]);
    if (read === undefined) continue;
    programs[image.name] = read;
    copies += read['copies'] ?? 0;
    bytesCopied += read['bytesCopied'] ?? 0;
  }
  return { pds, ...countHarts(images), programs, copies, bytesCopied };
}

function countHarts(images: readonly (PdImage | MachineDomain)[]): Pick<RunCounters, 'harts'> {
  const machines = images.filter((image) => image.kind === 'machine code');
  if (machines.length === 0) return {};
  const counted = machines.map(({ name, hart }): [string, HartCounters] => [
    name,
    { instructions: hart?.executed ?? 0, userNs: hart?.userNs ?? 0 },
  ]);
  return { harts: Object.fromEntries(counted) };
}

function readStats(
  image: DomainImage,
  names: ProgramCounterNames[string] | undefined,
): Record<string, number> | undefined {
  const region = statsRegion(image.config);
  const stats = names === undefined || region === undefined ? undefined : image.inspect(region);
  if (names !== undefined && stats !== undefined) return readCounters(names, stats);
  const counted = image instanceof PdImage ? image.counted : undefined;
  return Counters.countersOf(counted);
}
