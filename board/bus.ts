/**
 * The bus: which device answers at which physical address. Works like a page table of one level,
 * page by page, so a look-up costs the same however many devices there are.
 */

import { demand } from '../memory/misuse.ts';
import type { MmioDevice } from '../memory/region.ts';
import type { Lint } from './device.ts';

const PAGE_BYTES = 4096;
/** Of one device: each of its pages has an entry here. */
const REGISTER_BYTES_MAX = 2 ** 30;

/** Where a device's registers lie. */
export interface BusRange {
  readonly name: string;
  readonly base: number;
  /** Bytes of registers; the device has all of the pages that they touch to itself. */
  readonly sizeBytes: number;
  readonly device: MmioDevice;
}

export class Bus implements MmioDevice {
  /** Accesses since power-on that no device answered. */
  errors = 0;
  readonly #lint: Lint;
  readonly #pages = new Map<number, BusRange>();
  readonly #ranges: BusRange[] = [];

  constructor(lint: Lint) {
    this.#lint = lint;
  }

  /** In the order in which they were attached. */
  get ranges(): readonly BusRange[] {
    return this.#ranges;
  }

  attach(range: BusRange): void {
    const { name, base, sizeBytes } = range;
    const isPlace = Number.isSafeInteger(base) && base >= 0 && base % PAGE_BYTES === 0;
    demand(isPlace, `${name} is put at ${shown(base)}, where no page begins`);
    const isSize = Number.isSafeInteger(sizeBytes) && sizeBytes > 0;
    demand(isSize && sizeBytes <= REGISTER_BYTES_MAX, `${name} has ${shown(sizeBytes)} bytes`);
    for (let at = range.base; at < range.base + range.sizeBytes; at += PAGE_BYTES) {
      const owner = this.#pages.get(at / PAGE_BYTES)?.name;
      const place = `the page at 0x${at.toString(16)}`;
      demand(owner === undefined, `${name} is put on ${place}, which ${owner} has`);
      this.#pages.set(at / PAGE_BYTES, range);
    }
    this.#ranges.push(range);
  }

  /** @returns the device in whose pages `paddr` lies */
  deviceAt(paddr: number): BusRange | undefined {
    return this.#pages.get(Math.floor(paddr / PAGE_BYTES));
  }

  /** Reads from a physical address; 0 where there is no device. */
  read(paddr: number, width: number): number {
    const range = this.#find(paddr, width);
    return range === undefined ? 0 : range.device.read(paddr - range.base, width);
  }

  write(paddr: number, value: number, width: number): void {
    const range = this.#find(paddr, width);
    if (range !== undefined) range.device.write(paddr - range.base, value, width);
  }

  #find(paddr: number, width: number): BusRange | undefined {
    const range = this.deviceAt(paddr);
    const inside = range !== undefined && paddr - range.base + width <= range.sizeBytes;
    if (inside && paddr % width === 0) return range;
    this.errors += 1;
    this.#lint.report(range?.name ?? 'bus', 'bus', 'an access that no register answers');
    return undefined;
  }
}

/** A text that looks like a number is none, and is shown as what it is. */
function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}
