/**
 * Whose each buffer of a network is: the queue in which it lies, read from outside, and who takes
 * from that queue. What is in no queue is with the device, or in the hand of a program.
 */

import type { Ram } from '../../memory/ram.ts';
import { flatten, type SystemDescription } from '../../microkit/model.ts';
import { NET_BUFFER_BYTES, NetBufferDescriptor, NetQueueHeader } from '../../queues/net/queue.ts';
import { type NetEnd, netEndsOf, type NetRegionUse } from '../../sim/oracles/net-ends.ts';
import type { Debugger } from '../debugger.ts';
import { DomainView } from '../domains.ts';

const OID_MASK = 0x3f;
const NOWHERE = 'in no queue: with the device, or in hand';
const RANGES_MAX = 8;

interface Found extends NetRegionUse {
  /** Where it lies in RAM. */
  readonly at: number;
  /** By buffer: the queues in which it is. */
  readonly places: string[][];
}

/** @returns for each data region, how many of its buffers are where, and which */
export function describeBuffers(debug: Debugger, system: SystemDescription): readonly string[] {
  const ends = netEndsOf(system);
  const ram = debug.world?.board.ram;
  if (ram === undefined) return ['the world is not built yet'];
  if (ends === undefined) return ['no network here, and only of its buffers is it known'];
  const regions = ends.regions.flatMap((use): readonly Found[] => {
    const at = placeOf(debug, system, use.region);
    const places = Array.from({ length: use.buffers }, (): string[] => []);
    return at === undefined ? [] : [{ ...use, at, places }];
  });
  const consumers = ends.ends.filter(({ role }) => role === 'consumer');
  const spoilt = consumers.flatMap((end) => {
    const at = placeOf(debug, system, end.queue);
    return at === undefined ? [] : enter({ end, at, ram, regions });
  });
  return [...regions.flatMap(linesOf), ...spoilt];
}

/** @returns where a region lies in RAM; undefined when nobody has it mapped yet */
function placeOf(debug: Debugger, system: SystemDescription, region: string): number | undefined {
  for (const { pd } of flatten(system)) {
    const map = pd.maps.find((each) => each.region === region);
    if (map === undefined) continue;
    const place = new DomainView(pd.name, debug).placeOf(Number(map.vaddr));
    if (place?.kind === 'ram') return place.at;
  }
  return undefined;
}

interface Queue {
  readonly end: NetEnd;
  readonly at: number;
  readonly ram: Ram;
  readonly regions: readonly Found[];
}

/** Enters what a queue holds. @returns what is wrong with it */
function enter({ end, at, ram, regions }: Queue): readonly string[] {
  const { queue, capacity, pd } = end;
  const tail = ram.view.getUint16(at + NetQueueHeader.tail.offset, true);
  const head = ram.view.getUint16(at + NetQueueHeader.head.offset, true);
  const length = (tail - head) & 0xffff;
  if (length > capacity) return [`${queue}: claims ${length} entries, and has ${capacity} slots`];
  let strange = 0;
  for (let index = 0; index < length; index += 1) {
    const slot = (head + index) & (capacity - 1);
    const entry = at + NetQueueHeader.SIZE + slot * NetBufferDescriptor.SIZE;
    const places = placesOf(end, entry, ram, regions);
    if (places === undefined) strange += 1;
    else places.push(`in ${queue}, for ${pd}`);
  }
  return strange === 0 ? [] : [`${queue}: ${strange} entries name no buffer`];
}

/** @returns the places of the buffer that an entry names */
function placesOf(
  { base }: NetEnd,
  entry: number,
  ram: Ram,
  regions: readonly Found[],
): string[] | undefined {
  const { view } = ram;
  const value = view.getUint32(entry, true) + view.getUint32(entry + 4, true) * 2 ** 32;
  const oid = view.getUint8(entry + NetBufferDescriptor.oid.offset) & OID_MASK;
  const named = base === 'address' ? undefined : (base[oid] ?? base[0])?.region;
  for (const { region, buffers, at, places } of regions) {
    if (base !== 'address' && region !== named) continue;
    const offset = base === 'address' ? value - ram.base - at : value;
    if (offset < 0 || offset >= buffers * NET_BUFFER_BYTES) continue;
    return places[offset / NET_BUFFER_BYTES];
  }
  return undefined;
}

function linesOf({ region, buffers, places }: Found): readonly string[] {
  const groups = new Map<string, number[]>();
  places.forEach((queues, index) => {
    const where = queues.length === 0 ? NOWHERE : queues.join(' and ');
    groups.set(where, [...(groups.get(where) ?? []), index]);
  });
  const rows = [...groups].map(
    ([where, indices]) => `  ${String(indices.length).padStart(5)} ${where}: ${ranges(indices)}`,
  );
  return [`${region}: ${buffers} buffers`, ...rows];
}

/** @returns such as '0-3, 7, 9-12' */
function ranges(indices: readonly number[]): string {
  const found: [first: number, last: number][] = [];
  for (const index of indices) {
    const range = found.at(-1);
    if (range !== undefined && range[1] === index - 1) range[1] = index;
    else found.push([index, index]);
  }
  const shown = found
    .slice(0, RANGES_MAX)
    .map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
  const more = found.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
