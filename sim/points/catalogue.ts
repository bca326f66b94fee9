/**
 * The catalogue of faults: what goes wrong with devices, interrupts, memory and neighbours, and
 * what a correct system makes of it. The rows have numbers that the points name; `docs/faults.md`
 * is made of both.
 */

import type { PointKind } from './point.ts';

export interface CatalogueRow {
  readonly number: number;
  readonly fault: string;
  /** What a correct driver, virtualiser or client does. */
  readonly answer: string;
}

const ROWS: readonly (readonly [fault: string, answer: string])[] = [
  ['a frame is lost', 'goes on'],
  ['a frame comes twice', 'delivers it twice, frees each buffer once'],
  ['frames overtake each other', 'does not mind'],
  ['a bit of a frame turns', 'the client’s checksum drops it'],
  ['a frame is cut short', 'drops it, returns the buffer'],
  ['a frame is longer than a buffer', 'the device or the driver drops it; no buffer is lost'],
  ['the link goes down and up', 'stops sending, tells so, goes on'],
  ['more frames than buffers', 'counts what is dropped, goes on without an interrupt'],
  ['a transmission is never completed', 'resets the device, frees the buffer once'],
  ['transmissions are completed out of order', 'finds each by its id'],
  ['one direction is cut', 'the other goes on'],
  ['little bandwidth, long queues', 'back-pressure reaches the client'],
  ['floods and broadcast storms', 'each client keeps its share'],
  ['jitter', 'no assumption about time'],
  ['a sector cannot be read until it is written', 'that request alone fails'],
  ['a transient error', 'tries again, a bounded number of times'],
  ['a torn write', 'each sector is old or new'],
  ['a lost write', 'only the client’s own checksum can tell'],
  ['a misdirected write', 'only the client’s own checksum can tell'],
  ['a misdirected read', 'only the client’s own checksum can tell'],
  ['a bit turns at rest', 'only the client’s own checksum can tell'],
  ['unflushed writes are reordered by a power cut', 'what was flushed is there'],
  ['a flush that lies', 'nothing can be done; it is counted'],
  ['a flush fails', 'never says that it is durable'],
  ['one request is slow among fast ones', 'completes out of order'],
  ['a request is stuck', 'resets the device, answers each request once'],
  ['storage full; a medium becomes read-only', 'answers with an error'],
  ['a disk shrinks', 'checks ranges anew'],
  ['an operation that is not supported', 'answers with an error, or does it otherwise'],
  ['a status byte that is never written or makes no sense', 'answers with an error'],
  ['a framing error', 'drops or marks the character'],
  ['a parity error', 'drops or marks the character'],
  ['an overrun', 'counts it, goes on'],
  ['a break', 'is no character'],
  ['another baud rate', 'garbage, and no more'],
  ['CTS stays low', 'sending waits, receiving goes on'],
  ['characters faster than the client', 'drops by a stated rule'],
  ['a transmit interrupt is missed', 'the next event goes on'],
  ['noise on an idle line', 'no more than a character'],
  ['an interrupt is lost', 'the next event or a timer finds it'],
  ['a spurious interrupt', 'acknowledges it, does nothing'],
  ['an interrupt storm', 'costs its driver’s budget; others go on'],
  ['an interrupt comes late', 'does not mind'],
  ['an acknowledgement is dropped', 'is interrupted once more'],
  ['an interrupt before DRIVER_OK', 'ignores it'],
  [
    'DMA to another place in the pool',
    'isolation by an IOMMU; without one it is the device’s fault',
  ],
  ['DMA after completion', 'nothing but that buffer is wrong'],
  ['DMA that is partial or stale', 'checks what it was given'],
  ['a used length that is too large', 'checks it, resets the device'],
  ['a used id that is forged or repeated', 'checks it, resets the device'],
  ['a used index that jumps or goes back', 'checks it, resets the device'],
  ['an available index that jumps', 'costs only who wrote it'],
  ['a head behind the tail', 'costs only who wrote it'],
  ['an offset outside, misaligned, or with two owners', 'refuses it, counts it'],
  ['a length that changes after the check', 'reads once, then checks, then uses'],
  ['a client that returns no buffers', 'others are served'],
  ['a client that signals without work', 'costs its own budget'],
  ['a device resets itself', 'starts it again'],
  ['a device asks for a reset', 'starts it again; each buffer is in one place'],
  ['a device is pulled out', 'answers with errors, faults nobody'],
  ['a domain dies', 'others go on; whoever restarts it finds the rings as they are'],
  ['the clock jumps; an alarm is early, late or lost', 'no assumption about time'],
  ['a budget ends between publication and signal', 'the signal comes later, nothing is lost'],
  ['configuration changes between two reads', 'reads again'],
  ['an I2C byte is not acknowledged', 'that transaction fails, the next one does not'],
  ['an I2C target holds the clock', 'waits; after a bounded time that transaction fails'],
  ['another controller wins the I2C bus', 'that transaction fails, the next one does not'],
  ['a wire of the I2C bus is held low', 'nine clocks; what does not help is given up, counted'],
];

export const CATALOGUE: readonly CatalogueRow[] = ROWS.map(([what, answer], index) => ({
  number: index + 1,
  fault: what,
  answer,
}));

/**
 * @returns the table of docs/faults.md; points with a number in their name stand for all of their
 * kind
 */
export function catalogueTable(points: readonly PointKind[]): readonly string[] {
  return [
    '| # | what goes wrong | what a correct system does | points and faults |',
    '| - | --- | --- | --- |',
    ...CATALOGUE.map(({ number, fault, answer }) => {
      const names = faultsOfRow(number, points).map((name) => `\`${name}\``);
      return `| ${number} | ${fault} | ${answer} | ${names.join(', ')} |`;
    }),
  ];
}

/** @returns such as 'net.irq lose', each once */
export function faultsOfRow(number: number, points: readonly PointKind[]): readonly string[] {
  const names = points.flatMap((point) =>
    point.faults
      .filter(({ rows }) => rows.includes(number))
      .map(({ name }) => `${kindOfPoint(point.name)} ${name}`),
  );
  return [...new Set(names)];
}

/** @returns the name with what differs from system to system left out */
function kindOfPoint(name: string): string {
  if (name.startsWith('queue.')) return 'queue.NAME';
  if (name.startsWith('pd.')) return name.endsWith('.entry') ? 'pd.NAME.entry' : 'pd.NAME';
  return name.replace(/^blk\d/, 'blkN');
}
