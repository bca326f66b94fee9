/** What can go wrong with a disk, as data: `disk.ts` does it. */

import type { Injector, Point } from './injector.ts';
import {
  fault,
  type FaultKind,
  type ParameterKind,
  type PointKind,
  upTo,
  within,
} from './point.ts';

const FURTHER: ParameterKind = within('sectors further on', 'sectors', 1, 64);
const ERROR = fault({
  name: 'error',
  what: 'the operation fails, and works when it is tried again',
  excuses: ['errors'],
  rows: [16],
});
const LASTING: readonly FaultKind[] = [
  fault({
    name: 'slow',
    what: 'the operation takes long, and others overtake it',
    parameters: { by: upTo('how long', 'ns', [10_000, 5_000_000], 1e10) },
    rows: [25],
  }),
  fault({
    name: 'stuck',
    what: 'the operation is never over',
    excuses: ['errors', 'watchdog'],
    rows: [26],
  }),
];
const UNSUPPORTED = fault({
  name: 'unsupported',
  what: 'the device says that it cannot do this',
  excuses: ['errors'],
  rows: [29],
});

const READ_FAULTS: readonly FaultKind[] = [
  ERROR,
  fault({
    name: 'latent',
    what: 'the first sector cannot be read until it is written again',
    excuses: ['errors'],
    rows: [15],
  }),
  fault({
    name: 'misdirect',
    what: 'another place of the disk is read',
    parameters: { by: FURTHER },
    rows: [20],
  }),
  fault({
    name: 'rot',
    what: 'a bit of the first sector has turned since it was written',
    parameters: { bit: within('bit of the sector', 'value', 0, 4095) },
    rows: [21],
  }),
  ...LASTING,
];

const WRITE_FAULTS: readonly FaultKind[] = [
  ERROR,
  fault({
    name: 'full',
    what: 'the storage behind the disk is full',
    excuses: ['errors'],
    rows: [27],
  }),
  UNSUPPORTED,
  fault({ name: 'lose', what: 'the write is answered as done and never happens', rows: [18] }),
  fault({
    name: 'misdirect',
    what: 'the write lands at another place',
    parameters: { by: FURTHER },
    rows: [19],
  }),
  fault({
    name: 'tear',
    what: 'only the first sectors are written, and the operation fails',
    parameters: { kept: within('sectors that are written', 'sectors', 0, 7) },
    excuses: ['errors'],
    rows: [17],
  }),
  ...LASTING,
];

const FLUSH_FAULTS: readonly FaultKind[] = [
  fault({ name: 'fail', what: 'the flush fails', excuses: ['errors'], rows: [24] }),
  fault({
    name: 'lie',
    what: 'the flush is answered as done and does nothing',
    rows: [23],
  }),
  UNSUPPORTED,
  ...LASTING,
];

const MEDIUM_FAULTS: readonly FaultKind[] = [
  fault({
    name: 'power-cut',
    what: 'the disk loses power for a moment: of what was not flushed, each sector is old or new',
    trigger: 'moment',
    excuses: ['errors'],
    rows: [17, 22],
  }),
  fault({
    name: 'shrink',
    what: 'the disk gets smaller, and tells so; as large as before when the fault is over',
    trigger: 'moment',
    parameters: { percent: within('what is left of it', 'value', 1, 90) },
    excuses: ['errors'],
    rows: [28],
  }),
  fault({
    name: 'read-only',
    what: 'the disk becomes read-only, and writable again when the fault is over',
    trigger: 'moment',
    excuses: ['errors'],
    rows: [27],
  }),
];

const KINDS = {
  read: ['a read begins', READ_FAULTS],
  write: ['a write begins', WRITE_FAULTS],
  flush: ['a flush begins', FLUSH_FAULTS],
  discard: ['a discard or a writing of zeroes begins', [UNSUPPORTED, ERROR]],
  medium: ['', MEDIUM_FAULTS],
} as const;

export type DiskPoints = Readonly<Record<keyof typeof KINDS, Point>>;

export function diskPointKinds(device: string): readonly PointKind[] {
  return Object.entries(KINDS).map(([name, [opportunity, faults]]) => ({
    name: `${device}.${name}`,
    group: 'blk',
    what:
      name === 'medium' ? `the disk behind ${device}` : `each ${name} of the disk behind ${device}`,
    opportunity,
    states: [],
    faults,
  }));
}

export function diskPoints(device: string, injector: Injector): DiskPoints {
  const point = (name: keyof typeof KINDS): Point => injector.point(`${device}.${name}`);
  return {
    read: point('read'),
    write: point('write'),
    flush: point('flush'),
    discard: point('discard'),
    medium: point('medium'),
  };
}
