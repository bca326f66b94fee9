/**
 * Notes what all domains that run images execute, in one testbed after the other. Testbeds in the
 * same memory have their notes at the same places, and then share translations as without coverage.
 */

import type { ElfImage } from '../../microkit/elf/image.ts';
import type { HartCoverage } from '../../microkit/runtime/machine-program.ts';
import type { MachineProgram } from '../../microkit/runtime/machine-program.ts';
import { CoverageMap, KeptNotes } from '../../riscv/coverage/map.ts';
import { Translations } from '../../riscv/translator/translations.ts';
import { type LineRange, readLines } from '../dwarf/lines.ts';
import { addMachineCode, textOf } from './machine-code.ts';
import type { Sources } from './source-coverage.ts';

/** By image. */
type Notes = Map<ElfImage, KeptNotes>;

interface NotingHart {
  readonly image: ElfImage;
  readonly map: CoverageMap;
}

export class ExecutedImages {
  readonly #all: Notes = new Map();
  /** Of testbeds since the last time that somebody asked. */
  #latest: Notes = new Map();
  readonly #harts = new Map<string, NotingHart>();
  readonly #translations = new Map<string, Translations>();
  readonly #lines = new Map<ElfImage, readonly LineRange[]>();
  readonly #onNoRoom: (pd: string) => void;

  /** @param onNoRoom told of a domain of which nothing is noted: there is no memory for it */
  constructor(onNoRoom: (pd: string) => void) {
    this.#onNoRoom = onNoRoom;
  }

  /** @returns what is wrong with an image's line table; undefined when nothing is */
  demandLines({ image }: Pick<MachineProgram, 'image'>): string | undefined {
    if (this.#lines.has(image)) return undefined;
    const read = readLines(image);
    if (!read.ok) return read.problem;
    this.#lines.set(image, read.ranges);
    return undefined;
  }

  /** For a testbed: see `TestbedOptions`. */
  readonly notes: HartCoverage = (pd, { image }, ram) => {
    // A domain that is begun again goes on with what it has.
    const map = this.#harts.get(pd)?.map ?? CoverageMap.create(ram, textOf(image));
    if (map === undefined) {
      this.#onNoRoom(pd);
      return undefined;
    }
    this.#harts.set(pd, { image, map });
    return { map, translations: this.#translationsAt(map) };
  };

  /** The testbed is over, and its memory may be cleared. @returns how many notes are new */
  testbedEnds(): number {
    let added = 0;
    for (const { image, map } of this.#harts.values()) {
      added += keptIn(this.#all, image, map).add(map);
      keptIn(this.#latest, image, map).add(map);
    }
    this.#harts.clear();
    return added;
  }

  /** Adds what testbeds that are over have executed since the last time. */
  take(sources: Sources): void {
    for (const [image, notes] of this.#latest) {
      addMachineCode(sources, image, this.#lines.get(image) ?? [], notes);
    }
    this.#latest = new Map();
  }

  /** @returns the notes of testbeds that are over since the last time, by image */
  takeNotes(): Map<ElfImage, KeptNotes> {
    const latest = this.#latest;
    this.#latest = new Map();
    return latest;
  }

  #translationsAt(map: CoverageMap): Translations {
    const { vaddr, sizeBytes } = map.text;
    const place = `${map.at} ${vaddr} ${sizeBytes}`;
    const known = this.#translations.get(place) ?? new Translations(map);
    this.#translations.set(place, known);
    return known;
  }
}

function keptIn(notes: Notes, image: ElfImage, { text }: CoverageMap): KeptNotes {
  const known = notes.get(image) ?? new KeptNotes(text);
  notes.set(image, known);
  return known;
}
