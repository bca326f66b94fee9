/**
 * What sDDF's documentation says about its UDP echo (`docs/` of sDDF, chapter on performance):
 * i.MX8M Mini, one Gigabit port, 1472 bytes of payload, lwIP. CPU use as a share of one core, and
 * cycles for each packet, by offered megabits of payload per second.
 *
 * Packets per second are megabits / (8 * 1472) * 10^6. Cycles per packet times packets per second,
 * divided by CPU use, is 1.01 GHz in every row, although the text says 1.8 GHz: so that is the
 * clock by which we turn cycles into time.
 */

export const PUBLISHED_PATHS = ['2pd', '4pd', 'dummy', '5pd'] as const;
export type PublishedPath = (typeof PUBLISHED_PATHS)[number];

/** Cycles in a nanosecond. */
export const CYCLES_PER_NS = 1.01;
/** Of a datagram: a frame of 1514 bytes. */
export const PAYLOAD_BYTES = 1472;
export const FRAME_BYTES = PAYLOAD_BYTES + 42;

export interface PublishedRow {
  readonly path: PublishedPath;
  readonly megabits: number;
  /** Share of one core, to two places. */
  readonly cpu: number;
  readonly cyclesPerPacket: number;
}

type Cell = readonly [cpu: number, cyclesPerPacket: number];

// Mb/s, then 2 domains; 4 (no copier); 5 with a copier that does not copy; 5 with one that does.
const TABLE: readonly (readonly [number, Cell, Cell, Cell, Cell])[] = [
  [10, [0.01, 16_428], [0.02, 24_783], [0.02, 25_135], [0.02, 26_504]],
  [50, [0.06, 14_429], [0.1, 22_049], [0.1, 23_683], [0.1, 24_099]],
  [100, [0.12, 13_416], [0.17, 19_814], [0.18, 21_348], [0.19, 22_015]],
  [200, [0.2, 11_828], [0.28, 16_142], [0.29, 16_800], [0.29, 17_103]],
  [300, [0.27, 10_499], [0.35, 13_807], [0.39, 15_154], [0.4, 15_719]],
  [400, [0.33, 9_824], [0.41, 12_377], [0.43, 12_683], [0.46, 13_735]],
  [500, [0.39, 9_187], [0.46, 10_975], [0.49, 11_575], [0.53, 12_559]],
  [600, [0.43, 8_572], [0.5, 9_947], [0.52, 10_318], [0.58, 11_385]],
  [700, [0.48, 8_081], [0.53, 9_087], [0.56, 9_471], [0.64, 10_822]],
  [800, [0.52, 7_814], [0.58, 8_600], [0.6, 8_982], [0.69, 10_245]],
  [900, [0.57, 7_578], [0.63, 8_328], [0.66, 8_721], [0.74, 9_711]],
  [957, [0.6, 7_529], [0.66, 8_239], [0.69, 8_589], [0.77, 9_569]],
];

export const PUBLISHED: readonly PublishedRow[] = TABLE.flatMap(([megabits, ...cells]) =>
  cells.map(([cpu, cyclesPerPacket], index) => ({
    path: PUBLISHED_PATHS[index] ?? '5pd',
    megabits,
    cpu,
    cyclesPerPacket,
  })),
);

/**
 * The points that a table is fitted on: six of the row with a copier that copies. All others are
 * predictions.
 */
export const FITTED: readonly { readonly path: PublishedPath; readonly megabits: number }[] = [
  10, 100, 300, 500, 700, 957,
].map((megabits) => ({ path: '5pd', megabits }));

export function isFitted(row: { readonly path: string; readonly megabits: number }): boolean {
  return FITTED.some(({ path, megabits }) => path === row.path && megabits === row.megabits);
}

export function packetsPerSecond(megabits: number): number {
  return (megabits * 1e6) / (8 * PAYLOAD_BYTES);
}
