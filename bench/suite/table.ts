/**
 * The table of benchmarks: one entry each, whose parts are loaded when they are asked for. A new
 * benchmark is a new entry here; a new question within one is a new part.
 */

import type { BenchRow } from '../results.ts';
import type { Benchmark } from './benchmark.ts';

export const BENCHMARKS: readonly Benchmark[] = [
  {
    name: 'net',
    question: 'How fast is the network data path, and how far from C?',
    parts: [
      {
        name: 'echo',
        seconds: { smoke: 2, quick: 6, full: 340 },
        quick: 'only 4 of 12 points',
        split: async (settings) => (await import('../net/sweeps.ts')).netPieces(settings),
        measure: async (settings) => {
          const { benchNet } = await import('../net.ts');
          const { netPoints } = await import('../net/sweeps.ts');
          const rows: BenchRow[] = [];
          for (const net of netPoints(settings)) {
            rows.push(...(await benchNet({ ...settings, ...net })));
          }
          return rows;
        },
      },
      {
        name: 'paths',
        seconds: { smoke: 1, quick: 3, full: 30 },
        quick: 'only frames of 64 bytes',
        measure: async (settings) => (await import('../net/sweeps.ts')).benchNetPaths(settings),
      },
      {
        name: 'clients',
        seconds: { smoke: 1, quick: 2, full: 12 },
        quick: 'only 1 and 8',
        measure: async (settings) => (await import('../net/sweeps.ts')).benchNetClients(settings),
      },
      {
        name: 'rfc2544',
        seconds: { smoke: 3, quick: 5, full: 75 },
        quick: 'only frames of 64 bytes',
        measure: async (settings) => (await import('../net/rfc2544.ts')).benchNetRfc2544(settings),
      },
      {
        name: 'burst',
        seconds: { smoke: 1, quick: 1, full: 15 },
        quick: 'only frames of 64 bytes',
        measure: async (settings) => (await import('../net/burst.ts')).benchNetBurst(settings),
      },
      {
        name: 'cpu-use',
        seconds: { smoke: 2, quick: 4, full: 30 },
        quick: 'only 3 of 12 loads',
        measure: async (settings) => (await import('../net/cpu-use.ts')).benchNetCpuUse(settings),
      },
      {
        name: 'isolation',
        seconds: { smoke: 1, quick: 2, full: 12 },
        measure: async (settings) =>
          (await import('../net/isolation.ts')).benchNetIsolation(settings),
      },
      {
        name: 'tx-policy',
        seconds: { smoke: 1, quick: 2, full: 8 },
        measure: async (settings) =>
          (await import('../net/tx-policy.ts')).benchNetTxPolicy(settings),
      },
      {
        name: 'restart',
        seconds: { smoke: 1, quick: 1, full: 1 },
        measure: async (settings) => (await import('../restart.ts')).benchRestart('net', settings),
      },
      {
        name: 'counters',
        seconds: { smoke: 1, quick: 2, full: 5 },
        measure: async (settings) =>
          (await import('../net/counters.ts')).benchNetCounters(settings),
      },
      {
        name: 'queues',
        seconds: { smoke: 1, quick: 0, full: 8 },
        quick: 'left out',
        measure: async (settings) => (await import('../net/queues.ts')).benchNetQueues(settings),
      },
      {
        name: 'trace',
        seconds: { smoke: 4, quick: 0, full: 40 },
        quick: 'left out',
        measure: async (settings) => (await import('../net/trace.ts')).benchNetTrace(settings),
      },
      {
        name: 'shares',
        seconds: { smoke: 1, quick: 3, full: 8 },
        split: async (settings) => (await import('../shares.ts')).netSharesPieces(settings),
        measure: async (settings) => (await import('../shares.ts')).benchNetShares(settings),
      },
      {
        name: 'costs',
        seconds: { smoke: 1, quick: 1, full: 3 },
        measure: async () => (await import('../net-costs.ts')).benchAllocations(),
      },
      {
        name: 'boot',
        seconds: { smoke: 1, quick: 1, full: 2 },
        quick: 'only one sample',
        // Code has never run when a process boots its first system: each sample has its own.
        split: async (settings) =>
          Array.from({ length: settings.length === 'full' ? settings.repeat : 1 }, () => settings),
        measure: async () => [await (await import('../net-costs.ts')).benchBoot()],
      },
    ],
  },
  {
    name: 'blk',
    question: 'How fast is the block data path, and who gets how much of a disk?',
    parts: [
      {
        name: 'requests',
        seconds: { smoke: 2, quick: 5, full: 60 },
        quick: 'only 4 of 9 points',
        measure: async (settings) => (await import('../blk.ts')).benchBlk(settings),
      },
      {
        name: 'restart',
        seconds: { smoke: 1, quick: 1, full: 1 },
        measure: async (settings) => (await import('../restart.ts')).benchRestart('blk', settings),
      },
      {
        name: 'sweep',
        seconds: { smoke: 2, quick: 0, full: 70 },
        quick: 'left out',
        measure: async (settings) => {
          const [{ BLK_POINTS }, { benchBlkSweep }] = await Promise.all([
            import('../blk.ts'),
            import('../blk/sweep.ts'),
          ]);
          return benchBlkSweep(settings, BLK_POINTS);
        },
      },
      {
        name: 'shares',
        seconds: { smoke: 1, quick: 2, full: 6 },
        measure: async (settings) => (await import('../shares.ts')).benchBlkShares(settings),
      },
      {
        name: 'policies',
        seconds: { smoke: 1, quick: 2, full: 16 },
        measure: async (settings) =>
          (await import('../blk/policies.ts')).benchBlkPolicies(settings),
      },
      {
        name: 'flush',
        seconds: { smoke: 2, quick: 3, full: 24 },
        measure: async (settings) => (await import('../blk/flush.ts')).benchBlkFlush(settings),
      },
      {
        name: 'nbd',
        seconds: { smoke: 2, quick: 0, full: 14 },
        quick: 'left out',
        measure: async (settings) => (await import('../blk/nbd.ts')).benchBlkNbd(settings),
      },
    ],
  },
  {
    name: 'serial',
    question: 'How fast is the serial class, and how soon is a typed character echoed?',
    parts: [
      {
        name: 'bytes',
        seconds: { smoke: 3, quick: 4, full: 15 },
        measure: async (settings) => (await import('../serial.ts')).benchSerial(settings),
      },
      {
        name: 'restart',
        seconds: { smoke: 1, quick: 1, full: 1 },
        measure: async (settings) =>
          (await import('../restart.ts')).benchRestart('serial', settings),
      },
      {
        name: 'shares',
        seconds: { smoke: 1, quick: 2, full: 6 },
        measure: async (settings) => (await import('../shares.ts')).benchSerialShares(settings),
      },
      {
        name: 'bridges',
        seconds: { smoke: 3, quick: 0, full: 25 },
        quick: 'left out',
        measure: async (settings) =>
          (await import('../serial/bridges.ts')).benchSerialBridges(settings),
      },
    ],
  },
  {
    name: 'kernel',
    question: 'How fast is the kernel, and does its cost grow with the system?',
    parts: [
      {
        name: 'operations',
        seconds: { smoke: 5, quick: 6, full: 35 },
        measure: async (settings) => (await import('../kernel.ts')).benchKernel(settings),
      },
    ],
  },
  {
    name: 'code',
    question: 'How fast is machine code, beside C and beside QEMU?',
    parts: [
      {
        name: 'kernels',
        seconds: { smoke: 8, quick: 8, full: 160 },
        quick: 'only 3 of 8 kernels',
        measure: async (settings) => (await import('../code.ts')).benchCode(settings),
      },
      {
        name: 'echo',
        seconds: { smoke: 2, quick: 3, full: 20 },
        measure: async (settings) => (await import('../code/systems.ts')).benchCodeEcho(settings),
      },
      {
        name: 'start',
        seconds: { smoke: 2, quick: 3, full: 10 },
        split: async (settings) => (await import('../code/systems.ts')).startPieces(settings),
        measure: async (settings) => (await import('../code/systems.ts')).benchCodeStart(settings),
      },
      {
        name: 'memory',
        seconds: { smoke: 2, quick: 0, full: 3 },
        quick: 'left out',
        measure: async (settings) => (await import('../code/systems.ts')).benchCodeMemory(settings),
      },
      {
        name: 'typed',
        seconds: { smoke: 2, quick: 2, full: 15 },
        measure: async (settings) => (await import('../code/systems.ts')).benchCodeTyped(settings),
      },
      {
        name: 'shares',
        seconds: { smoke: 1, quick: 0, full: 3 },
        quick: 'left out',
        measure: async (settings) => (await import('../shares.ts')).benchCodeShares(settings),
      },
    ],
  },
  {
    name: 'bridge',
    question: "How fast is the way from the host's sockets to a program and back?",
    parts: [
      {
        name: 'datagrams',
        seconds: { smoke: 1, quick: 3, full: 40 },
        quick: 'only --net user',
        measure: async (settings) => (await import('../bridge.ts')).benchBridge(settings),
      },
      {
        name: 'shares',
        seconds: { smoke: 1, quick: 0, full: 5 },
        quick: 'left out',
        measure: async (settings) => (await import('../shares.ts')).benchBridgeShares(settings),
      },
    ],
  },
  {
    name: 'sim',
    question: 'How many worlds does the simulator run, and what do explored orders cost?',
    parts: [
      {
        name: 'worlds',
        seconds: { smoke: 1, quick: 3, full: 30 },
        quick: 'only echo',
        measure: async (settings) => (await import('../sim.ts')).benchSim(settings),
      },
      {
        name: 'shares',
        seconds: { smoke: 1, quick: 0, full: 8 },
        quick: 'left out',
        measure: async (settings) => (await import('../shares.ts')).benchSimShares(settings),
      },
    ],
  },
  {
    name: 'description',
    question: 'How long does a large description take to read, to boot and to check?',
    parts: [
      {
        name: 'large',
        seconds: { smoke: 4, quick: 4, full: 10 },
        measure: async (settings) => (await import('../description.ts')).benchDescription(settings),
      },
    ],
  },
  {
    name: 'ipc',
    question: 'What does a message cost, and what for: seL4 beside other kinds of IPC?',
    parts: [
      {
        name: 'messages',
        seconds: { smoke: 2, quick: 5, full: 50 },
        quick: 'only 2 of 5 workloads',
        measure: async (settings) => (await import('../ipc.ts')).benchIpc(settings),
      },
    ],
    lines: async (rows) => (await import('../ipc.ts')).ipcTable(rows),
  },
];
