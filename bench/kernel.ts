/**
 * How fast is the kernel? Round trips between two threads, retype, copies of capabilities,
 * revocation, and the boot of a large system, under the host clock. All is done by system calls of
 * ordinary threads.
 */

import { hostNow } from '../host/host-time.ts';
import { type PdBuilder, system } from '../microkit/builder.ts';
import type { SystemDescription } from '../microkit/model.ts';
import { createTestbed } from '../systems/testbed.ts';
import { copyDelete, retype, revoke, REVOKE_CROWDS } from './kernel/capabilities.ts';
import type { KernelBenchOptions } from './kernel/measure.ts';
import { callReply, interrupt, signal } from './kernel/round-trips.ts';
import type { BenchRow } from './results.ts';
import { summarise } from './statistics.ts';

/** What Microkit allows; the monitor is the sixty-fourth. */
const PDS_MAX = 63;

export function benchKernel(options: KernelBenchOptions): readonly BenchRow[] {
  const rows = [...callReply(options), ...signal(options), ...interrupt(options)];
  options.onProgress('kernel/retype');
  rows.push(retype(options));
  options.onProgress('kernel/copy-delete');
  rows.push(copyDelete(options));
  for (const children of REVOKE_CROWDS) {
    options.onProgress(`kernel/revoke-${children}`);
    rows.push(revoke(options, children));
  }
  options.onProgress('kernel/boot-64pd');
  rows.push(bootManyPds(options));
  return rows;
}

/**
 * As many protection domains as Microkit allows, each with a channel to the next: boot,
 * initialiser, all inits.
 */
function bootManyPds(options: KernelBenchOptions): BenchRow {
  const times: number[] = [];
  for (let sample = -1; sample < options.repeat; sample += 1) {
    const description = chainOfPds(PDS_MAX);
    const startedAt = hostNow();
    const testbed = createTestbed({
      system: description,
      clock: 'virtual',
      observer: { log: () => undefined },
    });
    testbed.runUntilQuiet();
    if (sample >= 0) times.push((hostNow() - startedAt) / 1e6);
  }
  const name = 'kernel/boot-64pd';
  return { name, unit: 'ms', ...summarise(times), pds: PDS_MAX, ratioToNative: null };
}

function chainOfPds(count: number): SystemDescription {
  const sys = system({ name: 'chain' });
  let before: PdBuilder | undefined;
  for (let i = 0; i < count; i += 1) {
    const pd = sys.pd(`pd${i}`, {
      program: () => ({ notified: () => undefined }),
      priority: 1 + i,
    });
    if (before !== undefined) sys.channel(before, pd);
    before = pd;
  }
  const built = sys.build();
  if (!built.ok) throw new Error(built.errors.map((error) => error.message).join('; '));
  return built.system;
}
