/**
 * The platform-level interrupt controller (RISC-V PLIC specification 1.0.0), with the map of QEMU's
 * `virt` board.
 *
 * Each source has a gateway. It forwards one request at a time: after a request has been claimed,
 * the level of the line counts again only when the request has been completed.
 *
 *     line high ──▶ gateway open ──▶ pending ──claim──▶ in service ──complete──▶ gateway open
 *                                                                                (pending again if the line is high)
 */

import { assert } from '../memory/assert.ts';
import { demand } from '../memory/misuse.ts';
import type { Device, IrqLine, Lint } from './device.ts';

/** Sources 1..95; source 0 means "no interrupt". */
export const PLIC_SOURCES = 96;
/** Contexts of hart 0: machine mode, supervisor mode. */
export const PLIC_CONTEXTS = 2;
/** The context of the kernel: supervisor mode. */
export const PLIC_KERNEL_CONTEXT = 1;
export const PLIC_PRIORITY_MAX = 7;
export const PLIC_WINDOW_BYTES = 0x60_0000;

/** Offsets of the register groups. */
export const PLIC = {
  Priority: 0x0000,
  Pending: 0x1000,
  Enable: 0x2000,
  EnableStride: 0x80,
  Context: 0x20_0000,
  ContextStride: 0x1000,
  Threshold: 0,
  Claim: 4,
} as const;

const WORDS = PLIC_SOURCES / 32;

export class Plic implements Device {
  readonly #lint: Lint;
  readonly #onPresented: () => void;
  readonly #priority = new Uint8Array(PLIC_SOURCES);
  readonly #level = new Uint8Array(PLIC_SOURCES);
  readonly #inService = new Uint8Array(PLIC_SOURCES);
  readonly #pending = new Uint32Array(WORDS);
  readonly #enable = new Uint32Array(WORDS * PLIC_CONTEXTS);
  readonly #threshold = new Uint8Array(PLIC_CONTEXTS);
  /**
   * For each context the source that a claim would return, kept up to date so that asking is cheap.
   */
  readonly #presented = new Uint8Array(PLIC_CONTEXTS);
  readonly #claims = new Uint32Array(PLIC_SOURCES);
  /** What `#claims` was when the line was last lowered. */
  readonly #claimsWhenLow = new Uint32Array(PLIC_SOURCES);

  /** @param onPresented told when a context has another source to claim, or none any more */
  constructor(lint: Lint, onPresented: () => void = () => undefined) {
    this.#lint = lint;
    this.#onPresented = onPresented;
  }

  /** The input of a source's gateway. */
  line(source: number): IrqLine {
    demand(isSource(source), `there is no interrupt ${source}: they are 1..95`);
    return { raise: () => this.#raise(source), lower: () => this.#lower(source) };
  }

  /** @returns the source that {@link claim} would return, 0 for none */
  presented(context: number): number {
    return this.#presented[context] as number;
  }

  /**
   * @returns the pending and enabled source of the highest priority above the threshold, of equals
   * the lowest; it is in service from now on. 0 when there is none
   */
  claim(context: number): number {
    const source = this.#presented[context] as number;
    if (source === 0) return 0;
    this.#clearPending(source);
    this.#inService[source] = 1;
    this.#claims[source] = (this.#claims[source] as number) + 1;
    this.#present();
    return source;
  }

  /** Opens a source's gateway again. Ignored when the source is not enabled in the context. */
  complete(context: number, source: number): void {
    if (source <= 0 || source >= PLIC_SOURCES || !this.enabled(context, source)) {
      this.#lint.report('plic', 'PLIC §9', 'a source is completed that is not enabled');
      return;
    }
    if (this.#inService[source] === 0) return;
    this.#inService[source] = 0;
    if (this.#level[source] === 1) this.#request(source);
  }

  enabled(context: number, source: number): boolean {
    const word = this.#enable[context * WORDS + (source >>> 5)] as number;
    return ((word >>> (source & 31)) & 1) === 1;
  }

  enable(context: number, source: number): void {
    assert(source > 0 && source < PLIC_SOURCES, 'an interrupt source is 1..95');
    const at = context * WORDS + (source >>> 5);
    this.#enable[at] = (this.#enable[at] as number) | (1 << (source & 31));
    this.#present();
  }

  disable(context: number, source: number): void {
    const at = context * WORDS + (source >>> 5);
    this.#enable[at] = (this.#enable[at] as number) & ~(1 << (source & 31));
    this.#present();
  }

  /** @param priority 0 (never) to 7 */
  setPriority(source: number, priority: number): void {
    this.#priority[source] = priority & PLIC_PRIORITY_MAX;
    this.#present();
  }

  isPending(source: number): boolean {
    return (((this.#pending[source >>> 5] as number) >>> (source & 31)) & 1) === 1;
  }

  /**
   * A request of this source has been claimed and not completed: after a while, somebody forgot to
   * acknowledge it.
   */
  isInService(source: number): boolean {
    return this.#inService[source] === 1;
  }

  isHigh(source: number): boolean {
    return this.#level[source] === 1;
  }

  /** How often a source has been claimed. */
  claimsOf(source: number): number {
    return this.#claims[source] as number;
  }

  /** How often a source has been claimed since its line was last low. */
  claimsSinceLow(source: number): number {
    return (this.#claims[source] as number) - (this.#claimsWhenLow[source] as number);
  }

  /** Sources that have been heard of. */
  sources(): readonly number[] {
    const all = Array.from({ length: PLIC_SOURCES }, (_, source) => source);
    return all.filter((source) => this.isHigh(source) || this.claimsOf(source) > 0);
  }

  read(offset: number, width: number): number {
    if (width !== 4 || (offset & 3) !== 0) return this.#refuse('read');
    const source = offset >>> 2;
    if (source < PLIC_SOURCES) return this.#priority[source] as number;
    const pendingWord = (offset - PLIC.Pending) >>> 2;
    if (offset >= PLIC.Pending && pendingWord < WORDS) return this.#pending[pendingWord] as number;
    const enableAt = enableIndex(offset);
    if (enableAt >= 0) return this.#enable[enableAt] as number;
    const context = contextOf(offset);
    if (context < 0) return this.#refuse('read');
    const register = offset & (PLIC.ContextStride - 1);
    if (register === PLIC.Threshold) return this.#threshold[context] as number;
    if (register === PLIC.Claim) return this.claim(context);
    return this.#refuse('read');
  }

  write(offset: number, value: number, width: number): void {
    if (width !== 4 || (offset & 3) !== 0) {
      this.#refuse('written');
      return;
    }
    const source = offset >>> 2;
    const enableAt = enableIndex(offset);
    const context = contextOf(offset);
    const register = offset & (PLIC.ContextStride - 1);
    if (source > 0 && source < PLIC_SOURCES) {
      this.setPriority(source, value);
    } else if (enableAt >= 0) {
      // Source 0 does not exist: its bit is wired to 0.
      this.#enable[enableAt] = enableAt % WORDS === 0 ? value & ~1 : value;
      this.#present();
    } else if (context >= 0 && register === PLIC.Threshold) {
      this.#threshold[context] = value & PLIC_PRIORITY_MAX;
      this.#present();
    } else if (context >= 0 && register === PLIC.Claim) {
      this.complete(context, value);
    } else {
      this.#refuse('written');
    }
  }

  reset(): void {
    this.#priority.fill(0);
    this.#inService.fill(0);
    this.#enable.fill(0);
    this.#threshold.fill(0);
    this.#pending.fill(0);
    // The lines belong to the devices: a line that is high requests again.
    for (let source = 1; source < PLIC_SOURCES; source++) {
      if (this.#level[source] === 1) this.#setPending(source);
    }
    this.#present();
  }

  /** Every source that has a priority or has been heard of. */
  snapshot(): Record<string, unknown> {
    const sources: Record<string, unknown> = {};
    for (let source = 1; source < PLIC_SOURCES; source++) {
      if (this.#priority[source] === 0 && this.#level[source] === 0 && this.#claims[source] === 0) {
        continue;
      }
      sources[source] = {
        priority: this.#priority[source],
        level: this.#level[source] === 1 ? 'high' : 'low',
        pending: this.isPending(source),
        inService: this.isInService(source),
        claims: this.#claims[source],
      };
    }
    return { threshold: [...this.#threshold], sources };
  }

  #raise(source: number): void {
    if (this.#level[source] === 1) return;
    this.#level[source] = 1;
    if (this.#inService[source] === 0) this.#request(source);
  }

  /** A request that is pending stays so: the controller has accepted it. */
  #lower(source: number): void {
    this.#level[source] = 0;
    this.#claimsWhenLow[source] = this.#claims[source] as number;
  }

  #setPending(source: number): void {
    const at = source >>> 5;
    this.#pending[at] = (this.#pending[at] as number) | (1 << (source & 31));
  }

  /** One more source is pending: of the others, each context knows its best. */
  #request(source: number): void {
    this.#setPending(source);
    for (let context = 0; context < PLIC_CONTEXTS; context++) {
      if (!this.enabled(context, source)) continue;
      const best = this.#presented[context] as number;
      const priority = this.#priority[source] as number;
      const least = (best === 0 ? this.#threshold[context] : this.#priority[best]) as number;
      const isFirst = source < best && priority === least;
      if (priority > least || isFirst) this.#setPresented(context, source);
    }
  }

  #clearPending(source: number): void {
    const at = source >>> 5;
    this.#pending[at] = (this.#pending[at] as number) & ~(1 << (source & 31));
  }

  #present(): void {
    let pending = 0;
    for (let word = 0; word < WORDS; word++) pending |= this.#pending[word] as number;
    for (let context = 0; context < PLIC_CONTEXTS; context++) {
      this.#setPresented(context, pending === 0 ? 0 : this.#bestOf(context));
    }
  }

  #setPresented(context: number, source: number): void {
    if (this.#presented[context] === source) return;
    this.#presented[context] = source;
    this.#onPresented();
  }

  #bestOf(context: number): number {
    let best = 0;
    let bestPriority = this.#threshold[context] as number;
    for (let word = 0; word < WORDS; word++) {
      let bits = (this.#pending[word] as number) & (this.#enable[context * WORDS + word] as number);
      while (bits !== 0) {
        const bit = 31 - Math.clz32(bits & -bits);
        bits &= bits - 1;
        const priority = this.#priority[word * 32 + bit] as number;
        // Sources come in rising order, so the first of equals stays.
        if (priority > bestPriority) {
          best = word * 32 + bit;
          bestPriority = priority;
        }
      }
    }
    return best;
  }

  #refuse(how: 'read' | 'written'): 0 {
    this.#lint.report('plic', 'bus', `a register that does not exist is ${how}`);
    return 0;
  }
}

function isSource(source: number): boolean {
  return Number.isInteger(source) && source > 0 && source < PLIC_SOURCES;
}

/** @returns the index in the enable words, -1 when `offset` is not among them */
function enableIndex(offset: number): number {
  const context = Math.floor((offset - PLIC.Enable) / PLIC.EnableStride);
  const word = ((offset - PLIC.Enable) % PLIC.EnableStride) >>> 2;
  if (context < 0 || context >= PLIC_CONTEXTS || word >= WORDS) return -1;
  return context * WORDS + word;
}

/** @returns the context whose threshold and claim registers lie in this page, -1 for none */
function contextOf(offset: number): number {
  if (offset < PLIC.Context) return -1;
  const context = Math.floor((offset - PLIC.Context) / PLIC.ContextStride);
  return context < PLIC_CONTEXTS ? context : -1;
}
