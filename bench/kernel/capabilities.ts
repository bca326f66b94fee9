/**
 * Capabilities: retype of pages, copy and delete, and revocation, whose time is to be linear in the
 * number of children.
 */

import {
  CNODE_COPY,
  CNODE_DELETE,
  CNODE_REVOKE,
  INIT_SLOT_CNODE,
  OBJECT_4K_PAGE,
  OBJECT_ENDPOINT,
  OBJECT_UNTYPED,
  RIGHTS_ALL,
  UNTYPED_RETYPE,
} from '../../kernel/abi.ts';
import { hostNow } from '../../host/host-time.ts';
import { runRig } from '../kernel-rig.ts';
import type { BenchRow } from '../results.ts';
import { summarise } from '../statistics.ts';
import { CHUNK, type KernelBenchOptions, rateRow, sampleRate, WARM_UP_SAMPLES } from './measure.ts';

const PAGE_BITS = 12;
const PAGES_RADIX = 12;
/** Rounds of {@link PAGES_RADIX}: the compiler has seen all of it after some of them. */
const RETYPE_WARM_UP = 20;
const REVOKE_CHILDREN = 10_000;
/** Children of the rows `kernel/revoke`. */
export const REVOKE_CROWDS = [REVOKE_CHILDREN / 10, REVOKE_CHILDREN, REVOKE_CHILDREN * 5];

/**
 * 4 KiB pages, one at a time, with their share of clearing the memory; what is made is revoked
 * between the rounds.
 */
export function retype(options: KernelBenchOptions): BenchRow {
  const rates: number[] = [];
  runRig((rig) => {
    const pages = 2 ** PAGES_RADIX;
    const cnode = rig.makeCNode(PAGES_RADIX);
    const memory = rig.make(OBJECT_UNTYPED, PAGES_RADIX + PAGE_BITS);
    const words = [OBJECT_4K_PAGE, 0, 0, 0, 0, 1];
    const caps = [cnode];
    /** @returns nanoseconds */
    const round = (): number => {
      const startedAt = hostNow();
      for (let i = 0; i < pages; i += 1) {
        words[4] = i;
        rig.must(memory, UNTYPED_RETYPE, words, caps);
      }
      const passedNs = hostNow() - startedAt;
      rig.must(INIT_SLOT_CNODE, CNODE_REVOKE, [memory, rig.depth]);
      return passedNs;
    };
    for (let i = 0; i < RETYPE_WARM_UP; i += 1) round();
    while (rates.length < options.repeat) {
      let passedNs = 0;
      let rounds = 0;
      for (; passedNs < options.sampleNs; rounds += 1) passedNs += round();
      rates.push(((rounds * pages) / passedNs) * 1e9);
    }
  });
  return rateRow('kernel/retype', rates, {});
}

export function copyDelete(options: KernelBenchOptions): BenchRow {
  const rates: number[] = [];
  runRig((rig) => {
    const endpoint = rig.make(OBJECT_ENDPOINT);
    const target = rig.takeSlot();
    const copy = [target, rig.depth, endpoint, rig.depth, RIGHTS_ALL];
    const remove = [target, rig.depth];
    const root = [INIT_SLOT_CNODE];
    const chunk = (): void => {
      for (let i = 0; i < CHUNK; i += 1) {
        rig.must(INIT_SLOT_CNODE, CNODE_COPY, copy, root);
        rig.must(INIT_SLOT_CNODE, CNODE_DELETE, remove);
      }
    };
    for (let i = 0; i < WARM_UP_SAMPLES; i += 1) sampleRate(options.sampleNs, chunk);
    for (let i = 0; i < options.repeat; i += 1) rates.push(sampleRate(options.sampleNs, chunk));
  });
  return rateRow('kernel/copy-delete', rates, {});
}

/** One revocation of many copies. */
export function revoke(options: KernelBenchOptions, children: number): BenchRow {
  const times: number[] = [];
  runRig((rig) => {
    const radix = Math.ceil(Math.log2(children));
    const cnode = rig.makeCNode(radix);
    const memory = rig.make(OBJECT_UNTYPED, radix + 4);
    for (let sample = -WARM_UP_SAMPLES; sample < options.repeat; sample += 1) {
      for (let at = 0; at < children; at += 256) {
        rig.retype(memory, OBJECT_ENDPOINT, 0, cnode, at, Math.min(256, children - at));
      }
      const startedAt = hostNow();
      rig.must(INIT_SLOT_CNODE, CNODE_REVOKE, [memory, rig.depth]);
      if (sample >= 0) times.push((hostNow() - startedAt) / 1e6);
    }
  });
  const name = children === REVOKE_CHILDREN ? 'kernel/revoke-10000' : 'kernel/revoke';
  return { name, unit: 'ms', ...summarise(times), children, ratioToNative: null };
}
