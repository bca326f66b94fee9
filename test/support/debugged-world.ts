/**
 * Test support: a small world of two domains in machine code, under a debugger that does as a test
 * says. It is run again when the debugger wants it to be.
 *
 * `writer` counts up in memory that both have, and signals `reader`; `reader` reads it, adds it up
 * in its own memory and waits. They see the shared page at different addresses.
 */

import { system } from '../../microkit/builder.ts';
import { Debugger, type Front } from '../../debug/debugger.ts';
import { Rewound } from '../../debug/rewound.ts';
import type { EngineKind } from '../../riscv/engine.ts';
import { createTestbed, type RunCounters, type Testbed } from '../../systems/testbed.ts';
import { described } from './echo-testbed.ts';
import { DATA, machineProgram } from './machine-system.ts';
import { assemble } from './riscv-assembler.ts';

export const WRITER_SHARED = 0x40_0000;
export const READER_SHARED = 0x50_0000;
const RUN_NS = 150_000;

export const WRITER_TEXT = `
        lui   s0, ${WRITER_SHARED >> 12}
        lui   s4, ${DATA >> 12}
again:  ld    s1, 0(s0)
        addi  s1, s1, 1
store:  sd    s1, 0(s0)
        li    s2, 20
spin:   lr.d  t0, (s4)
        add   t0, t0, s1
        sc.d  t1, t0, (s4)
        addi  s2, s2, -1
        bnez  s2, spin
        li    a0, 11
        li    a1, 0
        li    a7, -5
        ecall
        j     again
`;

export const READER_TEXT = `
        lui   s0, ${READER_SHARED >> 12}
        lui   s4, ${DATA >> 12}
again:  li    a0, 1
        li    a6, 4
        li    a7, -7
        ecall
        ld    s1, 0(s0)
        add   s2, s2, s1
        sd    s2, 8(s4)
        j     again
`;

export interface DebuggedRun {
  readonly debugger: Debugger;
  readonly testbed: Testbed;
  readonly counters: RunCounters;
  /** How often the world was begun. */
  readonly runs: number;
}

export function worldSystem() {
  const sys = system({ name: 'debugged' });
  const reader = sys.pd('reader', { priority: 100 });
  const writer = sys.pd('writer', { priority: 50 });
  const shared = sys.region('shared', { size: 0x1000 });
  writer.map(shared, { vaddr: WRITER_SHARED, perms: 'rw' });
  reader.map(shared, { vaddr: READER_SHARED, perms: 'rw' });
  sys.channel(writer, reader, { a: { id: 1 }, b: { id: 1 } });
  return described(sys.build());
}

/**
 * @param onMade told of the debugger before the world begins
 * @param runNs how long the world lasts
 */
export function runDebugged(
  front: Front,
  engine: EngineKind = 'auto',
  begins: 'held' | 'running' = 'held',
  onMade: (made: Debugger) => void = () => undefined,
  runNs = RUN_NS,
): DebuggedRun {
  const described = worldSystem();
  const debug = new Debugger({
    system: described,
    machineCode: ['writer', 'reader'],
    front,
    begins,
  });
  onMade(debug);
  for (let runs = 1; ; runs += 1) {
    debug.begin();
    try {
      const testbed = makeWorld(described, { engine, runNs, debug });
      debug.ended('over');
      return { debugger: debug, testbed, counters: testbed.counters(), runs };
    } catch (error) {
      if (!(error instanceof Rewound)) throw error;
    }
  }
}

export function runPlain(engine: EngineKind = 'auto'): RunCounters {
  return makeWorld(worldSystem(), { engine, runNs: RUN_NS }).counters();
}

interface WorldOptions {
  readonly engine: EngineKind;
  readonly runNs: number;
  readonly debug?: Debugger;
}

function makeWorld(
  described: ReturnType<typeof worldSystem>,
  { engine, runNs, debug }: WorldOptions,
): Testbed {
  const testbed = createTestbed({
    system: described,
    clock: 'virtual',
    engine,
    ramBytes: 2 ** 24,
    images: new Map([
      ['writer', machineProgram(bytesOf(WRITER_TEXT))],
      ['reader', machineProgram(bytesOf(READER_TEXT))],
    ]),
    ...(debug === undefined
      ? {}
      : {
          debugger: debug.makeEngine,
          onCreate: debug.onCreate,
          instrument: debug.instrument(undefined),
          onBoot: (kernel) => debug.booted(kernel),
        }),
  });
  testbed.runUntil(runNs);
  return testbed;
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Uint32Array.from(assemble(text)).buffer);
}
