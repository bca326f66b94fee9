// Goal: nobody gets more time than it was given: invariant 32. Method: threads with random budgets
// compute, yield, wait and wake each other by chance under the virtual clock; after every kernel
// entry the last period is added up.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ram } from '../../../memory/ram.ts';
import {
  SCHED_CONTROL_CONFIGURE_FLAGS,
  SYS_CALL,
  SYS_NB_SEND,
  SYS_WAIT,
  SYS_YIELD,
} from '../../../kernel/abi.ts';
import { boot } from '../../../kernel/boot.ts';
import type { BootInfo } from '../../../kernel/boot-info.ts';
import { generatorImage } from '../../../kernel/generator-context.ts';
import type { SchedContext } from '../../../kernel/objects/objects.ts';
import { TICKS_PER_US } from '../../../kernel/state.ts';
import type { ThreadBody, ThreadRequest } from '../../../kernel/system-call.ts';
import { Census } from '../../../kernel/inspect/census.ts';
import { Chance } from './chance.ts';
import { FuzzMachine } from './fuzz-machine.ts';
import { furnish, FUZZ_ENTRY, FUZZ_SLOTS, FUZZ_THREADS } from './fuzz-setup.ts';
import { WindowWatch } from './window-watch.ts';

const S = FUZZ_SLOTS;
const RUN_NS = 60_000_000;
/** The contexts that are watched: one of constant bandwidth, one sporadic. */
const WATCHED = [1, 2] as const;

interface Budget {
  readonly budgetUs: number;
  readonly periodUs: number;
  readonly extraRefills: number;
}

interface Outcome {
  readonly broken: readonly string[];
  readonly windows: number;
}

function run(
  seed: number,
  budgets: readonly Budget[],
  damage?: (sc: SchedContext) => void,
): Outcome {
  const chance = new Chance(seed);
  const machine = new FuzzMachine(new Ram({ sizeBytes: 2 ** 20 }), chance, 1e9);
  const census = new Census();
  const broken: string[] = [];
  let watch: WindowWatch | undefined;
  const kernel = boot({
    machine,
    rootCNodeSizeBits: 7,
    onCreate: census.onCreate,
    rootTask: (bootInfo) => generatorImage('root', () => root(bootInfo, budgets, () => begin())),
    images: Array.from({ length: FUZZ_THREADS }, (_, i) => ({
      entry: FUZZ_ENTRY + i * 64,
      image: generatorImage(`thread ${i}`, () => busy(chance)),
    })),
  });
  const begin = (): void => {
    const contexts = census.objects.filter((object) => object.kind === 'schedContext');
    const made = new WindowWatch(kernel.state);
    budgets.forEach(({ budgetUs }, i) => {
      // The first is the initial thread's.
      const sc = contexts[1 + (WATCHED[i] ?? 0)];
      if (sc !== undefined) made.watch(sc, budgetUs * TICKS_PER_US);
    });
    watch = made;
    kernel.state.onExit = () => {
      broken.push(...made.look());
      if (damage !== undefined && chance.oneIn(40)) for (const sc of contexts.slice(2)) damage(sc);
    };
  };
  while (machine.now() < RUN_NS) {
    machine.deadlineNs = Infinity;
    kernel.run(RUN_NS);
    if (machine.deadlineNs === Infinity) break;
    machine.charge(Math.max(0, machine.deadlineNs - machine.now()));
  }
  return { broken, windows: watch?.windows ?? 0 };
}

function* root(bootInfo: BootInfo, budgets: readonly Budget[], begin: () => void): ThreadBody {
  yield* furnish(bootInfo);
  for (const [i, { budgetUs, periodUs, extraRefills }] of budgets.entries()) {
    const mrs = [budgetUs, periodUs, extraRefills, 0, i];
    const caps = [S.schedContext + (WATCHED[i] ?? 0)];
    const cptr = bootInfo.schedControl.start;
    yield { kind: 'call', sys: SYS_CALL, cptr, label: SCHED_CONTROL_CONFIGURE_FLAGS, mrs, caps };
  }
  begin();
  yield { kind: 'call', sys: SYS_WAIT, cptr: S.notification + 1 };
}

function* busy(chance: Chance): ThreadBody {
  for (;;) yield request(chance);
}

function request(chance: Chance): ThreadRequest {
  const choice = chance.below(100);
  if (choice < 50) return { kind: 'compute', durationNs: chance.below(200_000) };
  if (choice < 60) return { kind: 'call', sys: SYS_YIELD };
  if (choice < 75) return { kind: 'call', sys: SYS_WAIT, cptr: S.notification };
  return { kind: 'call', sys: SYS_NB_SEND, cptr: S.notification };
}

const budget: fc.Arbitrary<Budget> = fc
  .record({
    budgetUs: fc.integer({ min: 20, max: 400 }),
    slackUs: fc.integer({ min: 1, max: 2_000 }),
    extraRefills: fc.integer({ min: 0, max: 8 }),
  })
  .map(({ budgetUs, slackUs, extraRefills }) => ({
    budgetUs,
    periodUs: budgetUs + slackUs,
    extraRefills,
  }));

describe('a scheduling context', () => {
  it('is used for no longer than its budget in any period', () => {
    let windows = 0;
    const property = fc.property(
      fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      fc.tuple(budget, budget),
      (seed, budgets) => {
        const outcome = run(seed, budgets);
        windows += outcome.windows;
        expect(outcome.broken).toEqual([]);
      },
    );

    fc.assert(property, { numRuns: 40 });

    expect(windows).toBeGreaterThan(2_000);
  });

  it('is caught when a refill comes back too early', () => {
    const budgets = [
      { budgetUs: 100, periodUs: 1_000, extraRefills: 4 },
      { budgetUs: 50, periodUs: 400, extraRefills: 4 },
    ];

    const { broken } = run(7, budgets, (sc) => {
      for (let i = 0; i < sc.refillCount; i += 1) {
        const at = (sc.refillHead + i) % sc.refillMax;
        sc.refillTime[at] = (sc.refillTime[at] as number) - sc.period / 2;
      }
    });

    expect(broken[0]).toMatch(/^invariant 32: schedContext@/);
  });
});
