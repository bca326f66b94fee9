/**
 * Programs' work under the virtual clock: what one packet costs is counted by hand, and the time
 * that passes is what the table says for it.
 */

import { describe, expect, it } from 'vitest';
import { NetRig, type NetRigOptions } from '../bench/net-rig.ts';
import type { RunCosts } from './run-costs.ts';
import type { RunCounters } from './testbed.ts';

const FRAME = 64;
const PACKETS = 50;
const PRICES = { wakeUp: 700, queueOperation: 11, mmio: 130, copy: 17, copyPerByte: 0.25 };

function costs(change: Partial<RunCosts> = {}): RunCosts {
  return {
    name: 'test',
    kernel: { kernelEntry: 150, contextSwitch: 250, invocation: 300, interrupt: 310, fault: 400 },
    work: { ...PRICES, checksumPerByte: 2 },
    machineCode: { instruction: 1, deviceAccess: 0 },
    deviceLatencyNs: 1_000,
    events: [
      {
        domain: 'client*',
        counter: 'udpEchoed',
        cost: 4_000,
        queueOperations: 0,
        checksumBytes: 20,
      },
    ],
    ...change,
  };
}

/** Single packets, a long way from each other. */
function run(options: Partial<NetRigOptions>): { before: RunCounters; after: RunCounters } {
  const rig = new NetRig({
    path: '5pd',
    frame: FRAME,
    batch: 1,
    open: { rate: 1_000, window: 8 },
    clock: 'virtual',
    costs: costs(),
    ...options,
  });
  rig.runFor(10_500_000);
  const before = rig.counters();
  rig.runFor(PACKETS * 1_000_000);
  return { before, after: rig.counters() };
}

function workPerPacket({ before, after }: ReturnType<typeof run>): Record<string, number> {
  const entries = Object.entries(after.work ?? {}).map(([name, value]) => [
    name,
    (value - (before.work?.[name as keyof typeof before.work] ?? 0)) / PACKETS,
  ]);
  return Object.fromEntries(entries) as Record<string, number>;
}

describe('the work of one packet', () => {
  it('with a copier: ten moves between queues, two copies', () => {
    const work = workPerPacket(run({ path: '5pd' }));

    expect(work).toMatchObject({
      // Each move takes an entry out of one queue and puts one into another. To the client: virt_rx
      // and the copier move the packet's buffer on, the copier takes an empty buffer of the client
      // and gives the DMA buffer back, virt_rx passes it to the driver. The driver puts the packet
      // in and takes the empty buffer out: 2 + 2 + 2 + 2 + 2 = 10. From the client: it takes the
      // packet, takes an empty buffer, puts the answer in, puts the received buffer back (4);
      // virt_tx moves the answer on and its buffer back (4); the driver takes the one and puts the
      // other in (2).
      queueOperations: 20,
      copies: 2,
      bytesCopied: 2 * FRAME,
      checksumBytes: 20,
    });
  });

  it('alone with the driver: eight entries in and out, one copy', () => {
    const work = workPerPacket(run({ path: '2pd' }));

    // Four queues, two ends each, one packet: 8.
    expect(work).toMatchObject({ queueOperations: 8, copies: 1, bytesCopied: FRAME });
  });

  it('takes exactly as long as the table says', () => {
    const { before, after } = run({});
    const d = (pick: (counters: RunCounters) => number): number => pick(after) - pick(before);
    const work = (name: keyof NonNullable<RunCounters['work']>): number =>
      d((counters) => counters.work?.[name] ?? 0);
    // The network driver's, and the timer driver's at each tick of the watchdog.
    const acknowledged = d(({ pds }) =>
      Object.values(pds).reduce((sum, { irqAcks }) => sum + irqAcks, 0),
    );
    const interrupts = d(({ kernel }) => kernel.interrupts);

    const expected =
      (d(({ kernel }) => kernel.kernelEntries) - interrupts) * 150 +
      d(({ kernel }) => kernel.contextSwitches) * 250 +
      acknowledged * 300 +
      interrupts * 310 +
      work('wakeUps') * PRICES.wakeUp +
      work('queueOperations') * PRICES.queueOperation +
      work('mmioAccesses') * PRICES.mmio +
      work('copies') * PRICES.copy +
      work('bytesCopied') * PRICES.copyPerByte +
      work('checksumBytes') * 2 +
      PACKETS * 4_000;

    expect(d(({ busyNs }) => busyNs ?? 0)).toBe(expected);
  });
});

describe('charged time', () => {
  it('is the same in every run, byte for byte', () => {
    expect(JSON.stringify(run({}))).toBe(JSON.stringify(run({})));
  });

  it('is charged under the virtual clock alone', () => {
    const rig = new NetRig({ path: '5pd', frame: FRAME, batch: 1, costs: costs() });

    rig.run(10);

    expect(rig.counters()).not.toHaveProperty('busyNs');
  });

  it('is of no effect on what happens: only on when', () => {
    const free = run({ costs: costs({ work: { ...PRICES, wakeUp: 0, checksumPerByte: 0 } }) });
    const dear = run({ costs: costs({ work: { ...PRICES, wakeUp: 9_000, checksumPerByte: 0 } }) });

    // A dear run takes longer, so watchdogs of drivers look more often.
    const { timer_driver: _dearTimer, ...dearPrograms } = dear.after.programs;
    const { timer_driver: _freeTimer, ...freePrograms } = free.after.programs;
    expect(dearPrograms).toEqual(freePrograms);
    expect((dear.after.busyNs ?? 0) > (free.after.busyNs ?? 0)).toBe(true);
  });
});
