/**
 * Invented results with rows for every section of the report, for its tests. The figures are
 * smooth, and of no machine.
 */

import type { BenchResults, BenchRow } from '../../bench/results.ts';

const FRAMES = [64, 128, 256, 512, 1024, 1280, 1518];
const BATCHES = [1, 8, 32, 64, 256];
const DEPTHS = [1, 2, 4, 8, 16, 32, 64, 128];
const SPREAD = 0.06;

type Parameters = Readonly<Record<string, string | number | null>>;

function row(name: string, unit: string, median: number, parameters: Parameters): BenchRow {
  const [min, max] = [median * (1 - SPREAD), median * (1 + SPREAD)];
  return { name, unit, median, min, max, ratioToNative: null, ...parameters };
}

/**
 * Packets per second: a price for a wake-up, shared by a batch, one for a packet and one for a
 * byte.
 */
function rate(frame: number, batch: number, path: string): number {
  const share = { '5pd': 1, dummy: 0.95, '4pd': 0.8, '2pd': 0.5 }[path] ?? 1;
  return 1e9 / ((6000 / batch + 450 + frame * 0.3) * share);
}

function echo(path: string, frame: number, batch: number): BenchRow {
  const figure = rate(frame, batch, path);
  const native = path === '5pd' ? 1e9 / (300 / batch + 90 + frame * 0.25) : null;
  return row('net/echo', 'packets/s', figure, {
    path,
    frame,
    batch,
    native,
    ratioToNative: native === null ? null : figure / native,
    copies: path === '5pd' ? 2 : 1,
    kernelEntries: 10 / batch,
    notifications: 6 / batch,
    contextSwitches: 6 / batch,
  });
}

function net(): BenchRow[] {
  const echoes = FRAMES.flatMap((frame) => BATCHES.map((batch) => echo('5pd', frame, batch)));
  const paths = ['4pd', '2pd', 'dummy'].flatMap((path) =>
    [1, 64].map((batch) => echo(path, 64, batch)),
  );
  const clients = [1, 2, 8, 32].map((count) =>
    row('net/clients', 'packets/s', 1.4e6 / (1 + count / 100), { clients: count }),
  );
  const costs = [
    row('net/boot', 'ms', 120, { path: '5pd' }),
    row('net/memory', 'bytes', 130e6, {}),
    row('net/heap growth', 'bytes', 200e3, {}),
    row('net/major collections', 'collections', 0, {}),
  ];
  return [...echoes, ...paths, ...clients, ...costs];
}

function load(): BenchRow[] {
  const rates = FRAMES.flatMap((frame) => [
    row('net/ndr', 'packets/s', rate(frame, 64, '5pd') * 0.7, { frame }),
    row('net/pdr', 'packets/s', rate(frame, 64, '5pd') * 0.8, { frame }),
  ]);
  const latencies = [10, 50, 90].flatMap((share) =>
    ['p50', 'p90', 'p99', 'p99.9'].map((percentile, index) =>
      row('net/latency', 'µs', share * 0.4 * 3 ** index, { frame: 64, load: share, percentile }),
    ),
  );
  const losses = [2, 4, 6, 8, 10, 12].map((hundredThousands) =>
    row('net/loss', 'share', Math.max(0, 1 - 8 / hundredThousands), {
      frame: 64,
      offered: hundredThousands * 1e5,
    }),
  );
  const bursts = [64, 1518].map((frame) => row('net/burst', 'frames', 512, { frame }));
  return [...rates, ...latencies, ...losses, ...bursts];
}

function sharing(): BenchRow[] {
  const paths = { '5pd': 0.077, '4pd': 0.066, '2pd': 0.06 };
  const use = Object.entries(paths).flatMap(([path, slope]) =>
    [10, 100, 300, 500, 700, 957].map((offered) => {
      const published = 100 * slope * 1.5 * (offered / 957) ** 0.7 * 6.6;
      const predicted = published * (offered < 200 ? 0.9 : 1.04);
      const error = (predicted / published - 1) * 100;
      const parameters = { path, frame: 1514, offered, published, error };
      return row('net/cpu-use', 'percent', predicted, parameters);
    }),
  );
  const trips = Object.keys(paths).flatMap((path) =>
    [10, 957].map((offered) => row('net/round-trip', 'µs', 90 + offered / 20, { path, offered })),
  );
  const isolation = { none: 1, slow: 0.97, hostile: 0.61 };
  const neighbours = Object.entries(isolation).map(([neighbour, share]) =>
    row('net/isolation', 'share', share, { neighbour }),
  );
  const policies = ['strict', 'round-robin', 'drr'].flatMap((policy, index) =>
    [0, 1, 2].map((client) =>
      row('net/tx-policy', 'share', index === 0 ? ([0.98, 0.02, 0][client] ?? 0) : 1 / 3, {
        policy,
        client: `client ${client}`,
      }),
    ),
  );
  return [...use, ...trips, ...neighbours, ...policies];
}

function counters(): BenchRow[] {
  const packets = [1, 64].map((batch) =>
    row('net/counters', 'kernel entries', 10 / batch, {
      path: '5pd',
      batch,
      copies: 2,
      kernelEntries: 10 / batch,
      notifications: 6 / batch,
      wasted: 0.1 / batch,
    }),
  );
  const loads = [100, 900];
  const sizes = loads.flatMap((offered) =>
    [0, 1, 2, 4].map((count) =>
      row('net/batch-size', 'share of wake-ups', 1 / (count + 2), {
        program: 'driver',
        offered,
        packets: count,
      }),
    ),
  );
  const depths = loads.flatMap((offered) =>
    ['driver to rx virtualiser', 'copier to client'].flatMap((queue, index) =>
      [0, 50, 100, 150, 200].map((timeUs) =>
        row('net/queue-depth', 'packets', ((timeUs / 50 + index) % 4) * (offered / 100), {
          queue,
          offered,
          timeUs,
        }),
      ),
    ),
  );
  const traced = row('net/traced', 'packets/s', 1.3e6, {
    path: '5pd',
    batch: 64,
    ofUntraced: 0.93,
  });
  return [...packets, ...sizes, ...depths, traced];
}

function blk(): BenchRow[] {
  const patterns = ['randread', 'randwrite', 'randrw', 'seqread', 'seqwrite'];
  const rows = patterns.flatMap((pattern, index) =>
    [4, 16, 64, 128].flatMap((kib) =>
      DEPTHS.map((depth) => request(`blk/${pattern}`, kib * 1024, depth, 'memory', 1 - index / 12)),
    ),
  );
  const others = ['file', 'nbd'].map((backend, index) =>
    request('blk/randread', 4096, 32, backend, 0.4 - 0.3 * index),
  );
  const policies = {
    strict: [1, 0, 0],
    'round-robin': [0.05, 0.19, 0.76],
    drr: [0.34, 0.33, 0.33],
  };
  const fairness = Object.entries(policies).flatMap(([policy, each]) => [
    row('blk/fairness', "Jain's index", 1 / (3 * each.reduce((sum, one) => sum + one * one, 0)), {
      policy,
    }),
    ...each.map((share, client) =>
      row('blk/share', 'share', share, { policy, client: `${4 ** (client + 1)} KiB requests` }),
    ),
  ]);
  const flushes = ['memory', 'file'].flatMap((backend) =>
    ['never', 64, 16, 1].map((every, index) =>
      row('blk/flush', 'writes/s', (backend === 'memory' ? 7e5 : 1e5) / 4 ** index, {
        backend,
        every,
      }),
    ),
  );
  return [...rows, ...others, ...fairness, ...flushes];
}

function request(
  name: string,
  block: number,
  depth: number,
  backend: string,
  share: number,
): BenchRow {
  const iops = (share * 1e9) / (5000 / depth + 600 + block * 0.03);
  const mbPerSecond = (iops * block) / 1e6;
  return row(name, 'IOPS', iops, { block, depth, backend, iops, mbPerSecond });
}

function others(): BenchRow[] {
  const uarts = ['ns16550a', 'pl011', 'virtio'];
  const serial = uarts.flatMap((uart, index) => [
    row('serial/to memory', 'B/s', 43e6 * (1 + 2 * index), { uart }),
    row('serial/to pty reader', 'B/s', 9e6 * (1 + index), { uart }),
  ]);
  const kernel = [10, 1000, 50_000].flatMap((objects, index) =>
    ['kernel/call-reply', 'kernel/signal'].map((name) =>
      row(name, 'operations/s', 4.3e6 / (1 + index / 4), {
        objects,
        microseconds: (1 + index / 4) / 4.3,
        publishedMicroseconds: name === 'kernel/signal' ? 2.64 : 1.03,
      }),
    ),
  );
  const threads = [10, 1000, 10_000].map((count, index) =>
    row('kernel/call-reply', 'operations/s', 4.3e6 / (1 + index / 9), { threads: count }),
  );
  const revoke = [1000, 10_000, 50_000].map((children) =>
    row(children === 10_000 ? 'kernel/revoke-10000' : 'kernel/revoke', 'ms', children / 1500, {
      children,
    }),
  );
  const mechanisms = ['sel4-ring', 'sel4-call', 'posix-mq', 'mach', 'l4', 'qnx', 'MessagePort'];
  const ipc = ['null', '64 B', '4 KiB', '64 KiB', 'stream'].flatMap((workload, size) =>
    mechanisms.map((mechanism, index) =>
      row(`ipc/${mechanism}`, 'ns', 250 * (1 + index) * 1.7 ** size, {
        mechanism,
        workload,
        ...(mechanism === 'MessagePort'
          ? {}
          : { copies: index % 3, kernelEntries: 2 + (index % 2), switches: 2, kernelBytes: 0 }),
      }),
    ),
  );
  const description = ['parse-62pd', 'boot-62pd'].flatMap((what, index) =>
    ['cold', 'warm'].map((state) =>
      row(`description/${what}`, 'ms', 40 * 3 ** index, { pds: 62, state }),
    ),
  );
  const bridges = ['tcp', 'telnet'].flatMap((bridge) => [
    row('serial/to bridge', 'B/s', 20e6, { uart: 'ns16550a', bridge }),
    row('serial/echo over a bridge', 'ms', 0.1, { uart: 'ns16550a', bridge }),
  ]);
  const echoed = row('serial/echo on a pty', 'ms', 0.4, { uart: 'ns16550a' });
  return [...serial, ...bridges, echoed, ...kernel, ...threads, ...revoke, ...ipc, ...description];
}

/** Machine code by both engines. */
function machineCode(): BenchRow[] {
  const code = ['pipeline-64', 'pipeline-1500'].flatMap((kernel, index) =>
    ['translator', 'interpreter'].map((engine) => {
      const ratio = engine === 'translator' ? 0.4 + index / 4 : 0.01;
      const rate = 2500 * ratio;
      return {
        ...row(`code/${kernel}`, 'million instructions/s', rate, {
          engine,
          ratioToQemu: ratio * 2.5,
        }),
        ratioToNative: ratio,
      };
    }),
  );
  const mean = row('code/mean', 'of qemu-riscv64', 1.1, { engine: 'translator' });
  const slowest = row('code/slowest', 'million instructions/s', 95, { kernel: 'print' });
  const typed = ['nothing', 'loop'].map((beside, index) =>
    row('code/typed', 'ms', 0.2 + index, { beside, p99Us: 900 * (1 + index) }),
  );
  return [
    ...code,
    mean,
    slowest,
    row('code/echo', 'packets/s', 2e6, { ratioToTypeScript: 0.4, frame: 64, batch: 64 }),
    row('code/start', 'ms', 280, { cpuMs: 400, images: 12 }),
    row('code/memory', 'bytes', 47e6, { images: 8 }),
    ...typed,
  ];
}

function bridges(): BenchRow[] {
  return ['user', 'stream'].flatMap((over, index) => [
    ...[1, 128].flatMap((window) => {
      const point = { window, bytes: 64, over };
      return [
        row('bridge/datagrams', '1/s', 1e4 * window ** 0.6 * (1 + index), point),
        row('bridge/round trip p50', 'ns', 27e3 * window ** 0.7, point),
        row('bridge/round trip p99', 'ns', 82e3 * window ** 0.7, point),
        row('bridge/processor time', 'ns per datagram', 5e3 / (1 + index), point),
      ];
    }),
    row('bridge/idle processor time', '% of a core', 1.5 + index, { over }),
  ]);
}

function shares(): BenchRow[] {
  const parts = { board: 40, kernel: 25, driver: 20, client: 14.8, nobody: 0.2 };
  return Object.entries(parts).flatMap(([part, share]) => [
    ...[1, 64].map((batch) =>
      row('net/shares', '% of the time', share, { frame: 64, batch, part }),
    ),
    row('blk/shares', '% of the time', share, { pattern: 'randread', depth: 32, part }),
    row('serial/shares', '% of the time', share, { uart: 'pl011', part }),
    row('code/shares', '% of the time', share, { batch: 64, part }),
    row('bridge/shares', '% of the time', share, { over: 'user', part }),
    row('sim/shares', '% of the time', share, { system: 'echo', part }),
  ]);
}

function worlds(): BenchRow[] {
  return ['echo', 'blk'].flatMap((system, index) => [
    row('sim/worlds', 'worlds/s of a core', 36 + index, { system, explore: 'none' }),
    row('sim/worlds', 'worlds/s of a core', 30 + index, { system, explore: 'random' }),
    row('sim/cost of exploring', 'times', 1.2, { system }),
  ]);
}

export function sampleResults(): BenchResults {
  const results = [
    ...net(),
    ...load(),
    ...sharing(),
    ...counters(),
    ...blk(),
    ...others(),
    ...machineCode(),
    ...bridges(),
    ...worlds(),
    ...shares(),
  ];
  return { schema: 1, node: 'v20.0.0', cpu: 'an invented processor', cores: 2, load: 0.5, results };
}
