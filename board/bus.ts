/**
 * The bus: which device answers at which physical address. Works like a page table of one level,
 * page by page, so a look-up costs the same however many devices there are; the few that are large
 * are looked at one by one.
 */

import { demand } from '../memory/misuse.ts';
import type { MmioDevice } from '../memory/region.ts';
import type { Lint } from './device.ts';
import { thrownText } from '../memory/thrown-text.ts';

const PAGE_BYTES = 4096;
/** Of one device. */
const REGISTER_BYTES_MAX = 2 ** 30;
/** A device with more pages has no entry for each of them: the interrupt controller has 1,536. */
const MANY_PAGES = 64;

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
  /** Those with more than {@link MANY_PAGES}. */
  readonly #large: BusRange[] = [];
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
    this.#demandFree(range);
    if (sizeBytes > MANY_PAGES * PAGE_BYTES) {
      this.#large.push(range);
    } else {
      for (let at = base; at < base + sizeBytes; at += PAGE_BYTES) {
        this.#pages.set(at / PAGE_BYTES, range);
      }
    }
    this.#ranges.push(range);
  }

  /** The message names the first page that another device has. */
  #demandFree(range: BusRange): void {
    let taken = Infinity;
    let owner = '';
    for (const other of this.#ranges) {
      const at = Math.max(range.base, other.base);
      if (at >= endOfPages(range) || at >= endOfPages(other) || at >= taken) continue;
      taken = at;
      owner = other.name;
    }
    if (taken === Infinity) return;
    const place = `the page at 0x${taken.toString(16)}`;
    demand(false, `${range.name} is put on ${place}, which ${owner} has`);
  }

  /** @returns the device in whose pages `paddr` lies */
  deviceAt(paddr: number): BusRange | undefined {
    return this.#pages.get(Math.floor(paddr / PAGE_BYTES)) ?? this.#largeAt(paddr);
  }

  #largeAt(paddr: number): BusRange | undefined {
    for (const range of this.#large) {
      if (paddr >= range.base && paddr < endOfPages(range)) return range;
    }
    return undefined;
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

/** Where the pages end that a device has to itself. */
function endOfPages({ base, sizeBytes }: BusRange): number {
  return base + Math.ceil(sizeBytes / PAGE_BYTES) * PAGE_BYTES;
}

/** A text that looks like a number is none, and is shown as what it is. */
function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : thrownText(value);
}
