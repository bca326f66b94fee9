/**
 * What an image becomes in a protection domain's address space: pages with their rights and
 * contents, and the words that are known only once regions have memory. Plain data: the initialiser
 * makes frames of it with system calls, and whoever only checks a system makes it and throws it
 * away.
 *
 * Pages are given as the Microkit tool does it: 4 KiB each, with the rights of the segment that
 * they are of, zero behind its bytes. Symbols and configuration sections are patched here, so that
 * the contents are final.
 */

import { assert } from '../../memory/assert.ts';
import { hex } from '../../memory/hex.ts';
import type { PdDescription, Permissions, SystemDescription } from '../model.ts';
import { exact, regionsByName } from '../model.ts';
import { IPC_BUFFER_VADDR, PAGE_BYTES } from '../slots.ts';
import { configure } from './configure.ts';
import { word64 } from './format.ts';
import { type ElfImage, sectionNamed, type Segment, type SymbolTable } from './image.ts';
import { findPatches } from './patches.ts';

/** The stack ends here; above it are a guard page and the IPC buffer. */
export const STACK_TOP = IPC_BUFFER_VADDR - PAGE_BYTES;

/** A page as the program finds it when it begins. */
export interface ImagePage {
  /** A multiple of 4 KiB. */
  readonly vaddr: number;
  readonly permissions: Permissions;
  /** From the page's beginning; at most 4 KiB, zero behind them. Empty for a page of zeros. */
  readonly bytes: Uint8Array;
}

/** A word of 8 bytes that receives the physical address of a region. It lies within one page. */
export interface AddressWord {
  /** What it is, for messages: "symbol 'rings_paddr'". */
  readonly what: string;
  readonly vaddr: number;
  readonly region: string;
}

/** Pages that follow each other. */
export interface PageRun {
  readonly vaddr: number;
  readonly sizeBytes: number;
  readonly pageBytes: number;
}

/** Everything that loading an image takes; plain data, the same each time. */
export interface ImagePlan {
  /** Address of the first instruction. */
  readonly entry: number;
  /** By address. */
  readonly pages: readonly ImagePage[];
  /** The same pages as runs, for whoever counts page tables. */
  readonly runs: readonly PageRun[];
  readonly addressWords: readonly AddressWord[];
  /**
   * It is one of sDDF's benchmark programs, which find the capability to their own thread in a slot
   * of its own.
   */
  readonly isBenchmark: boolean;
  /**
   * One line each, for whoever checks: configuration sections that are empty or of another version.
   */
  readonly notes: readonly string[];
}

const BENCHMARK_SECTION = '.benchmark_config';

/** By protection domain. */
export type ImagePlans = ReadonlyMap<string, ImagePlan>;

export type PlanResult =
  | { readonly ok: true; readonly plan: ImagePlan }
  /** One line each: what is wrong and what to do, without the name of the file. At least one. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** An image, and the domain that runs it. */
export interface PlanOptions {
  readonly system: SystemDescription;
  readonly pd: PdDescription;
  readonly image: ElfImage;
  /** Those of the file that `path_for_symbols` names; the image's own unless told. */
  readonly symbols?: SymbolTable;
}

/** Lays an image out and patches it. All that is wrong is found at once. */
export function planImage(options: PlanOptions): PlanResult {
  const { system, pd, image } = options;
  const runs = runsOf(image.segments);
  const symbols = options.symbols ?? image.symbols;
  const found = findPatches({ system, pd, image, symbols });
  const configured = configure(system, pd, image);
  const problems = [
    ...checkStack(pd, image.segments),
    ...checkMaps(system, pd, image.segments),
    ...checkIpcBuffer(image, symbols),
    ...found.problems,
    ...configured.problems,
  ];
  if (problems.length > 0) return { ok: false, problems };
  const pages = new Pages(image.segments);
  const addressWords: AddressWord[] = [];
  for (const patch of [...found.patches, ...configured.patches]) {
    if (patch.kind === 'bytes') pages.write(patch.vaddr, patch.bytes);
    else addressWords.push({ what: patch.what, vaddr: patch.vaddr, region: patch.region });
  }
  const { notes } = configured;
  return {
    ok: true,
    plan: {
      entry: image.entry,
      pages: pages.list(),
      runs,
      addressWords,
      isBenchmark: sectionNamed(image, BENCHMARK_SECTION) !== undefined,
      notes,
    },
  };
}

/** The pages of segments, in their order. */
export function runsOf(segments: readonly Segment[]): readonly PageRun[] {
  return segments.map(({ vaddr, memoryBytes }) => {
    const first = roundDown(vaddr);
    const sizeBytes = roundDown(vaddr + memoryBytes + PAGE_BYTES - 1) - first;
    return { vaddr: first, sizeBytes, pageBytes: PAGE_BYTES };
  });
}

function roundDown(address: number): number {
  return Math.floor(address / PAGE_BYTES) * PAGE_BYTES;
}

/**
 * The pages in the making. A page that holds exactly bytes of the file is a view of them until it
 * is written to.
 */
class Pages {
  readonly #pages = new Map<number, ImagePage>();

  constructor(segments: readonly Segment[]) {
    for (const segment of segments) {
      for (const run of runsOf([segment])) {
        for (let at = run.vaddr; at < run.vaddr + run.sizeBytes; at += PAGE_BYTES) {
          const { permissions } = segment;
          this.#pages.set(at, { vaddr: at, permissions, bytes: pageBytes(segment, at) });
        }
      }
    }
  }

  /** Writes bytes that lie inside the image, over as many pages as they touch. */
  write(vaddr: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const at = vaddr + done;
      const page = this.#pages.get(roundDown(at));
      assert(page !== undefined, 'a patch lies inside the image');
      const offset = at - page.vaddr;
      const part = bytes.subarray(done, done + PAGE_BYTES - offset);
      const contents = new Uint8Array(PAGE_BYTES);
      contents.set(page.bytes);
      contents.set(part, offset);
      this.#pages.set(page.vaddr, { ...page, bytes: contents });
      done += part.length;
    }
  }

  list(): readonly ImagePage[] {
    return [...this.#pages.values()];
  }
}

function pageBytes({ vaddr, contents }: Segment, page: number): Uint8Array {
  const skipped = page - vaddr;
  if (skipped >= 0) return contents.subarray(skipped, skipped + PAGE_BYTES);
  const bytes = new Uint8Array(PAGE_BYTES);
  bytes.set(contents.subarray(0, PAGE_BYTES + skipped), -skipped);
  return bytes;
}

/** Segments end below the stack, which is below its guard page and the IPC buffer. */
function checkStack(pd: PdDescription, segments: readonly Segment[]): readonly string[] {
  const bottom = STACK_TOP - pd.stackBytes;
  return segments
    .filter(({ vaddr, memoryBytes }) => vaddr + memoryBytes > bottom)
    .map(({ index, vaddr, memoryBytes }) => {
      const range = `${hex(vaddr)}..${hex(vaddr + memoryBytes)}`;
      return `segment ${index} at ${range} lies over the stack, which begins at ${hex(bottom)}; link with -T microkit.ld`;
    });
}

function checkMaps(
  system: SystemDescription,
  pd: PdDescription,
  segments: readonly Segment[],
): readonly string[] {
  const regions = regionsByName(system);
  const problems: string[] = [];
  const bottom = STACK_TOP - pd.stackBytes;
  for (const map of pd.maps) {
    const start = exact(map.vaddr);
    const end = start + exact(regions.get(map.region)?.size ?? 0n);
    // The tool's own limit for maps is a page too high: it would find this out when it maps the
    // stack.
    if (end > bottom) {
      const range = `${hex(start)}..${hex(end)}`;
      problems.push(
        `map for '${map.region}' at ${range} lies over the stack, which begins at ${hex(bottom)}; give it another vaddr`,
      );
    }
    const under = runsOf(segments).find(
      (run) => start < run.vaddr + run.sizeBytes && run.vaddr < end,
    );
    if (under === undefined) continue;
    const pages = `${hex(under.vaddr)}..${hex(under.vaddr + under.sizeBytes)}`;
    problems.push(
      `map for '${map.region}' at ${hex(start)}..${hex(end)} lies over the image's pages ${pages}; give it another vaddr`,
    );
  }
  return problems;
}

/** Where libmicrokit keeps the address of its IPC buffer, which it knows when it is compiled. */
const IPC_BUFFER_POINTER = '__sel4_ipc_buffer';
/** Older SDKs had the buffer itself inside the image. */
const IPC_BUFFER_OBJECT = '__sel4_ipc_buffer_obj';

function checkIpcBuffer(image: ElfImage, symbols: SymbolTable): readonly string[] {
  if (typeof symbols.find(IPC_BUFFER_OBJECT) === 'object') {
    return ['is of an older Microkit SDK, with its IPC buffer inside the image; link with SDK 2.3'];
  }
  const pointer = symbols.find(IPC_BUFFER_POINTER);
  if (typeof pointer !== 'object') return [];
  const expected = initialWord(image, pointer.value);
  if (expected === 0 || expected === IPC_BUFFER_VADDR) return [];
  const here = hex(IPC_BUFFER_VADDR);
  return [
    `expects its IPC buffer at ${hex(expected)} instead of ${here}; build it with the SDK for board qemu_virt_riscv64`,
  ];
}

/** @returns the word that the file has at an address; 0 where it has none */
function initialWord({ segments }: ElfImage, vaddr: number): number {
  const segment = segments.find(
    ({ vaddr: start, contents }) => vaddr >= start && vaddr + 8 <= start + contents.length,
  );
  if (segment === undefined) return 0;
  const { buffer, byteOffset, byteLength } = segment.contents;
  return word64(new DataView(buffer, byteOffset, byteLength), vaddr - segment.vaddr);
}
