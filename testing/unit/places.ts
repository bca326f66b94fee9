/** Where the memory of a bench lies in RAM, as its domains have it mapped. */

import { hex } from '../../memory/hex.ts';
import { Unmet } from '../run/step.ts';
import type { TestRun } from '../run/test-run.ts';
import type { BenchConnection, BenchData, DataArea } from './bench.ts';
import {
  BLK_REQUESTS,
  BLK_RESPONSES,
  I2C_REQUESTS,
  I2C_RESPONSES,
  NET_QUEUE,
  type Place,
  QueueView,
  SERIAL_QUEUE,
} from './queue-view.ts';

/** Which queue of a connection, by the field of its record. */
const LAYOUTS = {
  freeQueue: NET_QUEUE,
  activeQueue: NET_QUEUE,
  queue: SERIAL_QUEUE,
  requestQueue: BLK_REQUESTS,
  responseQueue: BLK_RESPONSES,
} as const;
/** Those of i2c have the names of block queues. */
const I2C_LAYOUTS = { requestQueue: I2C_REQUESTS, responseQueue: I2C_RESPONSES } as const;
export type QueueField = keyof typeof LAYOUTS;

export function queueOf(run: TestRun, connection: BenchConnection, field: QueueField): QueueView {
  const place = regionAt(run, connection.regions[field] ?? '');
  const isI2c =
    connection.class === 'i2c' && (field === 'requestQueue' || field === 'responseQueue');
  const layout = isI2c ? I2C_LAYOUTS[field] : LAYOUTS[field];
  return new QueueView(place, layout, connection.capacity);
}

/** @returns where a region begins; every domain that maps it has it at the same place */
export function regionAt(run: TestRun, region: string): Place {
  const found = run.memory.region(region);
  if (found !== undefined) return found;
  throw new Unmet('the unit and its peers to run', [`nobody has ${region} yet`]);
}

/** @returns what an entry says of a buffer: an offset, or an address */
export function unitNumber(run: TestRun, data: BenchData, area: DataArea, unit: number): number {
  const offset = unit * data.unitBytes;
  if (data.by === 'offset') return offset;
  const { ram, at } = regionAt(run, area.region);
  return ram.base + at + offset;
}

export interface FoundUnit {
  readonly area: DataArea;
  /** Number of the buffer. */
  readonly unit: number;
  readonly place: Place;
}

/** @returns the buffer that an entry names, undefined when there is none */
export function unitAt(run: TestRun, data: BenchData, number: number): FoundUnit | undefined {
  for (const area of data.areas) {
    const { ram, at } = regionAt(run, area.region);
    const offset = data.by === 'offset' ? number : number - ram.base - at;
    const isInside = offset >= 0 && offset < area.units * data.unitBytes;
    if (!isInside || offset % data.unitBytes !== 0) continue;
    return { area, unit: offset / data.unitBytes, place: { ram, at: at + offset } };
  }
  return undefined;
}

/** As failures show it: `buffer 3 of client1`. */
export function unitWords(run: TestRun, data: BenchData, number: number): string {
  const found = unitAt(run, data, number);
  if (found === undefined) return `no buffer (${hex(number)})`;
  const of = data.areas.length > 1 ? ` of ${found.area.name}` : '';
  return `buffer ${found.unit}${of}`;
}
