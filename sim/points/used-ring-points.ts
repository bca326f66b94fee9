/** What a device can do wrong with the rings of a virtqueue, as data: `used-ring.ts` does it. */

import type { Watchdog } from './irq-line.ts';
import {
  type Excuse,
  fault,
  type FaultKind,
  type PointKind,
  UNWRITTEN,
  upTo,
  within,
} from './point.ts';

const RING_FAULTS: readonly FaultKind[] = [
  fault({
    name: 'over-report',
    what: 'the device claims to have written more bytes than it has',
    parameters: { by: upTo('bytes too many', 'bytes', [1, 4096], 0x7fff_ffff) },
    // Behind a frame that was cut short, the rest of an older one counts as received.
    excuses: UNWRITTEN,
    rows: [49],
  }),
  fault({
    name: 'forge',
    what: 'the used element names another chain',
    parameters: { id: within('id in the element', 'value', 0, 2047) },
    // The driver believes that it has a chain back which the device still has.
    excuses: [...UNWRITTEN, 'watchdog', 'rules'],
    rows: [50],
  }),
  fault({
    name: 'repeat',
    what: 'the used element names the chain that was handed back before',
    // The driver believes that it has a chain back which the device still has.
    excuses: [...UNWRITTEN, 'watchdog', 'rules'],
    rows: [50],
  }),
  fault({
    name: 'index-jump',
    what: 'the used index runs ahead of what has been handed back, until the next batch',
    parameters: { by: within('entries too far', 'count', 1, 0x7fff) },
    // A driver that takes them in asks for its next interrupt behind what is still to come. What
    // stands in the ring from its last round names chains which the device still has.
    excuses: [...UNWRITTEN, 'interrupt', 'rules'],
    rows: [51],
  }),
  fault({
    name: 'overtaken',
    what: 'the chain is handed back behind the one that follows it',
    excuses: ['order'],
    rows: [10, 25],
  }),
  fault({
    name: 'hold',
    what: 'the chain is handed back late',
    parameters: { by: upTo('how late', 'ns', [1_000, 500_000], 1e9) },
    excuses: ['order'],
    rows: [25],
  }),
  fault({
    name: 'keep',
    what: 'the chain is never handed back',
    excuses: ['loss', 'errors', 'watchdog'],
    rows: [9, 26],
  }),
  fault({
    name: 'in-window',
    what: 'the chain is handed back just before the driver acknowledges the next interrupt, and has none of its own',
    excuses: ['order'],
    rows: [40],
  }),
  fault({
    name: 'only-kicked',
    what: 'the device looks at the available ring only when it is notified, and wants to be notified of everything',
    trigger: 'moment',
    rows: [40],
  }),
];

/** @param late what a driver without a watchdog that looks soon may make its clients wait for */
function indexBack(late: readonly Excuse[]): FaultKind {
  return fault({
    name: 'index-back',
    what: 'the used index goes back, until the next batch or for a millisecond',
    parameters: { by: within('entries', 'count', 1, 256) },
    excuses: ['contents', 'loss', 'errors', 'interrupt', ...late],
    rows: [51],
  });
}

const DATA_FAULTS: readonly FaultKind[] = [
  fault({
    name: 'partial',
    what: 'the chain is handed back before all of its bytes have been written',
    parameters: { kept: within('bytes that have been written', 'bytes', 0, 2048) },
    // As for 'over-report': the rest is of an older frame.
    excuses: UNWRITTEN,
    rows: [48],
  }),
  fault({
    name: 'late-write',
    what: 'the device writes into a buffer again after it has handed it back',
    parameters: { by: upTo('how much later', 'ns', [100, 100_000], 1e9) },
    excuses: ['contents', 'loss', 'errors'],
    rows: [47],
  }),
];

/** The status byte of a request to a disk is the last one that the device may write. */
const STATUS_FAULTS: readonly FaultKind[] = [
  fault({
    name: 'no-status',
    what: 'the status byte is never written',
    excuses: ['errors'],
    rows: [30],
  }),
  fault({
    name: 'bad-status',
    what: 'the status byte is one that does not exist',
    parameters: { status: { ...within('value', 'value', 3, 255), standard: 0x55 } },
    excuses: ['errors'],
    rows: [30],
  }),
];

/** @param queue such as 'net.rx'; @param group device class */
export function usedRingPoint(
  queue: string,
  group: string,
  watchdog: Watchdog = 'unwatched',
): PointKind {
  const late: readonly Excuse[] = group === 'net' && watchdog === 'watched' ? [] : ['watchdog'];
  return {
    name: `${queue}.ring`,
    group,
    what: `the rings of the virtqueue ${queue}, as the device handles them`,
    opportunity: 'the device hands a chain back',
    states: [],
    faults: [
      ...RING_FAULTS,
      indexBack(late),
      ...DATA_FAULTS,
      ...(group === 'blk' ? STATUS_FAULTS : []),
    ].map((each) => (group === 'serial' ? ofCharacters(each) : each)),
  };
}

/**
 * On a serial line, characters that are missing or come in another order are another text: of a
 * switch from one client to another, too.
 */
function ofCharacters(kind: FaultKind): FaultKind {
  const changesText = kind.excuses.includes('order') || kind.excuses.includes('loss');
  return changesText ? { ...kind, excuses: [...kind.excuses, 'contents'] } : kind;
}
