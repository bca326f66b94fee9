// The benchmark of inter-process communication: what one message costs, derived by hand, and the
// shape of its rows.

import { describe, expect, it } from 'vitest';
import { benchIpc, countMessage, ipcTable, type Mechanism, type MessageCosts } from './ipc.ts';
import type { Workload } from './ipc/rig.ts';
import { parametersOf } from './results.ts';

const NOTHING: MessageCosts = {
  copies: 0,
  bytesCopied: 0,
  kernelBytes: 0,
  kernelEntries: 0,
  switches: 0,
  lookups: 0,
  pageMappings: 0,
  peakBytes: 0,
};

/** Kernel memory of a message: what stands before it, and Mach's trailer. */
const MQ = 48;
const KMSG = 64 + 12;
/** Mach's header, which is copied with the payload; a body with one descriptor of memory. */
const HEADER = 24;
const OOL_BODY = 4 + 16;

/** What is not named is 0. */
type Expected = readonly [Mechanism, Workload, Partial<MessageCosts>];

const BY_HAND: readonly Expected[] = [
  // One NBSendRecv on each side: where the signal goes, and where it comes from. Nothing is copied,
  // whatever the length.
  ['sel4-ring', 'null', { kernelEntries: 2, switches: 2, lookups: 4 }],
  ['sel4-ring', '64 KiB', { kernelEntries: 2, switches: 2, lookups: 4 }],
  // Eight buffers for two system calls.
  ['sel4-ring', 'stream', { kernelEntries: 2 / 8, switches: 2 / 8, lookups: 4 / 8 }],

  // Call, and ReplyRecv with a reply object.
  ['sel4-call', 'null', { kernelEntries: 2, switches: 2, lookups: 3 }],
  ['sel4-call', '64 B', { copies: 1, bytesCopied: 64, kernelEntries: 2, switches: 2, lookups: 3 }],
  // 512 words are five messages of at most 120.
  [
    'sel4-call',
    '4 KiB',
    { copies: 5, bytesCopied: 4096, kernelEntries: 10, switches: 10, lookups: 15 },
  ],
  // Nothing is buffered: each send waits for its receive.
  [
    'sel4-call',
    'stream',
    { copies: 1, bytesCopied: 64, kernelEntries: 2, switches: 2, lookups: 2 },
  ],

  // Send and receive on each side; a message of no bytes still has a header.
  [
    'posix-mq',
    'null',
    { kernelBytes: 2 * MQ, kernelEntries: 4, switches: 2, lookups: 4, peakBytes: MQ },
  ],
  [
    'posix-mq',
    '64 B',
    {
      copies: 2,
      bytesCopied: 128,
      kernelBytes: MQ + 64 + MQ,
      kernelEntries: 4,
      switches: 2,
      lookups: 4,
      peakBytes: MQ + 64,
    },
  ],
  // Eight fragments of 8 KiB, each sent and received with a switch there and back, and one reply.
  [
    'posix-mq',
    '64 KiB',
    {
      copies: 16,
      bytesCopied: 2 * 65_536,
      kernelBytes: 8 * (MQ + 8192) + MQ,
      kernelEntries: 18,
      switches: 16,
      lookups: 18,
      peakBytes: MQ + 8192,
    },
  ],
  // Eight messages wait in the queue, and the ninth with its sender.
  [
    'posix-mq',
    'stream',
    {
      copies: 2,
      bytesCopied: 128,
      kernelBytes: MQ + 64,
      kernelEntries: 2,
      switches: 2,
      lookups: 2,
      peakBytes: 9 * (MQ + 64),
    },
  ],

  // Send-and-receive on each side: the service, the reply port twice; the reply right, the service.
  [
    'mach',
    '64 B',
    {
      copies: 4,
      bytesCopied: 2 * (HEADER + 64) + 2 * HEADER,
      kernelBytes: HEADER + 64 + KMSG + HEADER + KMSG,
      kernelEntries: 2,
      switches: 2,
      lookups: 5,
      peakBytes: HEADER + 64 + KMSG,
    },
  ],
  // The payload is not copied: 16 pages are mapped and unmapped, one is written to (a fault) and
  // protected again. Beside the message the kernel keeps 96 bytes about the memory.
  [
    'mach',
    '64 KiB',
    {
      copies: 4,
      bytesCopied: 2 * (HEADER + OOL_BODY) + 2 * HEADER,
      kernelBytes: HEADER + OOL_BODY + KMSG + 96 + HEADER + KMSG,
      kernelEntries: 4,
      switches: 2,
      lookups: 5,
      pageMappings: 34,
      peakBytes: HEADER + OOL_BODY + KMSG + 96,
    },
  ],
  [
    'mach',
    'stream',
    {
      copies: 2,
      bytesCopied: 2 * (HEADER + 64),
      kernelBytes: HEADER + 64 + KMSG,
      kernelEntries: 2,
      switches: 2,
      lookups: 2,
      peakBytes: 9 * (HEADER + 64 + KMSG),
    },
  ],

  // The partner of both phases of the call; the partner of the reply.
  ['l4', 'null', { kernelEntries: 2, switches: 2, lookups: 3 }],
  ['l4', '64 B', { copies: 1, bytesCopied: 64, kernelEntries: 2, switches: 2, lookups: 3 }],
  ['l4', '64 KiB', { copies: 1, bytesCopied: 65_536, kernelEntries: 2, switches: 2, lookups: 3 }],
  ['l4', 'stream', { copies: 1, bytesCopied: 64, kernelEntries: 2, switches: 2, lookups: 1 }],

  // MsgSend; MsgReply and MsgReceive are two calls.
  ['qnx', 'null', { kernelEntries: 3, switches: 2, lookups: 3 }],
  ['qnx', '64 KiB', { copies: 1, bytesCopied: 65_536, kernelEntries: 3, switches: 2, lookups: 3 }],
  ['qnx', 'stream', { copies: 1, bytesCopied: 64, kernelEntries: 3, switches: 2, lookups: 3 }],
];

describe('one message', () => {
  it.each(BY_HAND)('of %s, %s, costs what was derived by hand', (mechanism, workload, expected) => {
    expect(countMessage(mechanism, workload)).toEqual({ ...NOTHING, ...expected });
  });
});

describe('a run', () => {
  it('gives a row for each mechanism and workload, those of the models with counters', async () => {
    const notices: string[] = [];
    const rows = await benchIpc({
      length: 'smoke',
      repeat: 1,
      sampleNs: 200_000,
      onProgress: () => undefined,
      onNotice: (line) => notices.push(line),
    });

    const models = ['sel4-ring', 'sel4-call', 'posix-mq', 'mach', 'l4', 'qnx'];
    const workloads = ['null', '64 B', '4 KiB', '64 KiB', 'stream'];
    expect(rows.map(({ mechanism, workload }) => [mechanism, workload])).toEqual(
      workloads.flatMap((workload) =>
        [...models, 'MessagePort', 'ringbuf.js'].map((mechanism) => [mechanism, workload]),
      ),
    );
    for (const row of rows) {
      expect(row).toMatchObject({
        name: `ipc/${row['mechanism']}`,
        unit: 'ns',
        ratioToNative: null,
      });
      expect(row.min).toBeGreaterThan(0);
      // All else is a figure: it tells no row from another.
      expect(parametersOf(row).map(([key]) => key)).toEqual(['mechanism', 'workload']);
      const isModel = models.includes(String(row['mechanism']));
      expect(typeof row['kernelEntries']).toBe(isModel ? 'number' : 'undefined');
    }
    expect(notices.join()).toContain('counters are exact');
    const lines = ipcTable(rows);
    expect(lines.filter((line) => line.includes('each message'))).toHaveLength(workloads.length);
    // In each table, and again where it is folded at 80 columns.
    const named = lines.filter((line) => line.includes('ringbuf.js'));
    expect(named.length).toBeGreaterThanOrEqual(workloads.length);
  });
});
