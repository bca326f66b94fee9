/**
 * A program image for the kernel: a program, with what the tool patches into it. When a thread is
 * resumed at its entry point, `start` sets up the runtime in that thread; a restart does so again,
 * and everything of the run before is gone except the memory regions.
 */

import { assert } from '../../memory/assert.ts';
import type { ReadonlyRegion } from '../../memory/region.ts';
import type { ProgramImage, UserContext, UserThread } from '../../kernel/user.ts';
import {
  type FlatPd,
  type RegionsByName,
  regionsByName,
  type SystemDescription,
} from '../model.ts';
import type { Program, ProtectionDomain } from '../pd.ts';
import { IMAGE_DATA } from '../slots.ts';
import { clearOwnMemory } from './fresh.ts';
import type { ImagePlans } from '../elf/plan.ts';
import type { DomainImage } from './domain-image.ts';
import { PdLoop } from './loop.ts';
import { type PdCounters, pdCounters, type RuntimeObserver } from './observer.ts';
import { pdProfile, type PdProfile } from './profile.ts';
import { mapReadonly, type RegisterAccesses } from './regions.ts';
import { type DeferredSignal, MicrokitPd } from './protection-domain.ts';

/** Bytes of one patched word. */
const WORD_BYTES = 8;
const TWO_TO_32 = 0x1_0000_0000;

export interface PdImageOptions {
  readonly system: SystemDescription;
  readonly pd: FlatPd;
  /** Those of the system, for whoever makes the images of all its domains. */
  readonly regions?: RegionsByName;
  /** Of the domains that are machine code; none unless told. */
  readonly plans?: ImagePlans;
  readonly program: Program;
  readonly observer: RuntimeObserver;
}

/** A TypeScript program in its domain: started by the kernel, looked at from outside. */
export class PdImage implements ProgramImage, DomainImage {
  readonly kind = 'program';
  readonly name: string;
  readonly counters: PdCounters = pdCounters();
  readonly #described: Pick<PdImageOptions, 'system' | 'pd'>;
  readonly #profile: PdProfile;
  readonly config: unknown;
  readonly #program: Program<unknown>;
  readonly #observer: RuntimeObserver;
  #thread: UserThread | undefined;
  #loop: PdLoop | undefined;

  constructor(options: PdImageOptions) {
    this.name = options.pd.pd.name;
    this.#described = options;
    this.#profile = pdProfile(
      options.system,
      options.pd,
      options.regions ?? regionsByName(options.system),
      options.plans,
    );
    // Records of several programs name the same parts: each program gets a copy that nobody else
    // can change.
    this.config = frozenCopy(options.pd.pd.config);
    // The description pairs a program with the configuration made for it; the pairing is checked by
    // the builder.
    this.#program = options.program as unknown as Program<unknown>;
    this.#observer = options.observer;
  }

  inspect(region: string): ReadonlyRegion | undefined {
    if (this.#thread === undefined) return undefined;
    return mapReadonly(this.#thread, this.#profile, region);
  }

  /** What the program has returned as its counters: not looked at yet. */
  get counted(): unknown {
    return this.#loop?.counted;
  }

  /** See {@link PdLoop.awaitsTime}. */
  awaitsTime(): boolean | undefined {
    return this.#loop?.awaitsTime();
  }

  /**
   * @param start this image, as it is started
   * @returns the image at its second entry point, see {@link freshEntryAddress}
   */
  fresh(start: ProgramImage): ProgramImage {
    return {
      name: this.name,
      start: (thread) => {
        clearOwnMemory(thread, this.#profile, this.#described);
        return start.start(thread);
      },
    };
  }

  start(thread: UserThread): UserContext {
    this.#thread = thread;
    const deferred: DeferredSignal = { cptr: 0, info: 0 };
    const accesses: RegisterAccesses = { count: 0 };
    const pd: ProtectionDomain<unknown> = Object.freeze(
      new MicrokitPd({
        thread,
        profile: this.#profile,
        config: this.config,
        vars: readVars(thread, this.#profile.symbols),
        deferred,
        accesses,
        counters: this.counters,
        observer: this.#observer,
      }),
    );
    const loop = new PdLoop({
      thread,
      profile: this.#profile,
      init: () => this.#program(pd),
      pd,
      deferred,
      accesses,
      counters: this.counters,
      observer: this.#observer,
    });
    this.#loop = loop;
    return loop;
  }
}

/** @returns a deep copy of plain data that cannot be changed */
function frozenCopy(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(frozenCopy));
  if (typeof value !== 'object' || value === null) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value).map(([name, part]) => [name, frozenCopy(part)]);
  return Object.freeze(Object.fromEntries(entries));
}

/** Reads the words that the initialiser has patched into the image. */
function readVars(
  thread: UserThread,
  symbols: readonly string[],
): Readonly<Record<string, number>> {
  const vars: Record<string, number> = {};
  if (symbols.length === 0) return Object.freeze(vars);
  const image = thread.mapping(IMAGE_DATA, symbols.length * WORD_BYTES, 'read');
  assert(image?.kind === 'ram', 'the initialiser maps the image of every domain');
  const words = image.memory.ram.u32;
  symbols.forEach((symbol, index) => {
    const at = (image.at + index * WORD_BYTES) / 4;
    vars[symbol] = (words[at] as number) + (words[at + 1] as number) * TWO_TO_32;
  });
  return Object.freeze(vars);
}
