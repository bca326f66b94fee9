/**
 * Writes what must be in memory before the domains run: files into regions (`prefill_path`), and
 * the words that the description sets in each image. The frames are mapped for a moment into the
 * initialiser's own address space.
 */

import { assert } from '../../memory/assert.ts';
import {
  INIT_SLOT_VSPACE,
  NO_ERROR,
  OBJECT_PAGE_TABLE,
  PAGE_GET_ADDRESS,
} from '../../kernel/abi.ts';
import { PAGE_TABLE_BITS } from '../../kernel/objects/object-sizes.ts';
import {
  exact,
  flatten,
  regionsByName,
  type SetvarValue,
  symbolsOf,
  type SystemDescription,
} from '../model.ts';
import { PAGE_BYTES } from '../slots.ts';
import { highHalf, lowHalf } from '../system-calls.ts';
import type { ImagePlans } from '../elf/plan.ts';
import { mapFrame, mapPageTable } from './address-spaces.ts';
import { objectsOf } from './capabilities.ts';
import { BootFailure, type RootTask } from './root-task.ts';
import type { RegionObjects, SystemObjects } from './system-objects.ts';
import type { UntypedMemory } from './untyped-memory.ts';

/** Where the initialiser maps a frame that it fills: a 4 KiB one, or 2 MiB further a large one. */
const WINDOW_VADDR = 0x20_0000_0000;
const LARGE_WINDOW_VADDR = WINDOW_VADDR + 0x20_0000;

export class ContentWriter {
  readonly #root: RootTask;
  /** Where the capability lies by which a frame is mapped into the window; 0 before the first. */
  #scratch = 0;

  constructor(root: RootTask, memory: UntypedMemory) {
    this.#root = root;
    const what = "page tables of the initialiser's window";
    const tables = memory.make({
      what,
      type: OBJECT_PAGE_TABLE,
      userSizeBits: 0,
      objectBits: PAGE_TABLE_BITS,
      count: 2,
    });
    for (const table of [tables, tables + 1]) {
      mapPageTable(root, what, { table, vspace: INIT_SLOT_VSPACE, vaddr: WINDOW_VADDR });
    }
  }

  /** Fills the regions that the description has bytes for. */
  fillRegions(objects: SystemObjects): void {
    for (const [name, region] of objects.regions) {
      const { prefill } = region.description;
      if (prefill === undefined) continue;
      if (prefill.kind === 'bootinfo') {
        throw new BootFailure(
          `memory region '${name}': this board has no boot information '${prefill.item}'`,
        );
      }
      this.#fill(`contents of memory region '${name}'`, region, prefill.bytes);
    }
  }

  /** Writes the words of every TypeScript program's image. */
  patchImages(system: SystemDescription, plans: ImagePlans, objects: SystemObjects): void {
    const regions = regionsByName(system);
    for (const { pd, index } of flatten(system)) {
      if (plans.has(pd.name)) continue;
      const symbols = symbolsOf(system, pd, regions);
      if (symbols.length === 0) continue;
      const words = new Uint32Array(2 * symbols.length);
      symbols.forEach(({ symbol, value }, at) => {
        const word = this.#value(`symbol '${symbol}' of '${pd.name}'`, value, objects);
        words[2 * at] = lowHalf(word);
        words[2 * at + 1] = highHalf(word);
      });
      const image = objectsOf(objects, index);
      const bytes = new Uint8Array(words.buffer);
      for (let page = 0; page * PAGE_BYTES < bytes.length; page++) {
        const part = bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
        this.#write(`image of '${pd.name}'`, image.image + page, part);
      }
    }
  }

  /** Writes the images of machine code. What is zero in them is zero in fresh memory. */
  loadImages(system: SystemDescription, plans: ImagePlans, objects: SystemObjects): void {
    for (const { pd, index } of flatten(system)) {
      const plan = plans.get(pd.name);
      if (plan === undefined) continue;
      const { image } = objectsOf(objects, index);
      const of = `of '${pd.name}'`;
      plan.pages.forEach(({ bytes }, page) => {
        if (bytes.length > 0) this.#write(`image ${of}`, image + page, bytes);
      });
      for (const { what, vaddr, region } of plan.addressWords) {
        const value = this.#value(`${what} ${of}`, { kind: 'physAddr', region }, objects);
        const page = plan.pages.findIndex((each) => each.vaddr === vaddr - (vaddr % PAGE_BYTES));
        assert(page >= 0, 'a word that is set lies inside the image');
        const bytes = new Uint8Array(Uint32Array.of(lowHalf(value), highHalf(value)).buffer);
        this.#write(`${what} ${of}`, image + page, bytes, PAGE_BYTES, vaddr % PAGE_BYTES);
      }
    }
  }

  #value(what: string, value: SetvarValue, objects: SystemObjects): number {
    if (value.kind === 'value') return exact(value.value);
    const region = objects.regions.get(value.region);
    if (region === undefined) {
      throw new BootFailure(`${what}: there is no memory region '${value.region}'`);
    }
    return this.#physAddr(what, region.frames);
  }

  #physAddr(what: string, frame: number): number {
    const { calls } = this.#root;
    if (calls.invoke(frame, PAGE_GET_ADDRESS, 0, 0) !== NO_ERROR) {
      throw new BootFailure(`${what}: its physical address was refused`);
    }
    return calls.word(0);
  }

  #fill(what: string, region: RegionObjects, bytes: Uint8Array): void {
    const { pageBytes } = region;
    for (let page = 0; page * pageBytes < bytes.length; page++) {
      const part = bytes.subarray(page * pageBytes, (page + 1) * pageBytes);
      this.#write(what, region.frames + page, part, pageBytes);
    }
  }

  /** @param at byte of the frame at which the bytes begin */
  #write(what: string, frame: number, bytes: Uint8Array, pageBytes = PAGE_BYTES, at = 0): void {
    const root = this.#root;
    const vaddr = pageBytes === PAGE_BYTES ? WINDOW_VADDR : LARGE_WINDOW_VADDR;
    // A copy, because the frame's own capability holds the mapping in the domain.
    if (this.#scratch === 0) this.#scratch = root.takeSlots(1, what);
    const copy = this.#scratch;
    root.copyTo(copy, frame, what);
    mapFrame(root, what, { frame: copy, vspace: INIT_SLOT_VSPACE, vaddr, permissions: 'rw' });
    const window = root.calls.thread.mapping(vaddr, pageBytes, 'write');
    assert(window?.kind === 'ram', 'a frame just mapped is there');
    window.memory.ram.u8.set(bytes, window.at + at);
    root.delete(copy, what);
  }
}
