/** Which threads a client has, and which of them its packets are about. */

import { type Mode, type ThreadId, ThreadNames } from './threads.ts';

export class ClientThreads {
  readonly mode: Mode;
  readonly names: ThreadNames;
  /** Number of the thread that the client looks at (`Hg`). */
  general = 1;
  /** Number of the thread that single steps are of (`Hc`). */
  resumed = 1;
  /** In mode inferiors: those that the client has. */
  #attached = new Set<number>();

  constructor(mode: Mode, pds: readonly string[]) {
    this.mode = mode;
    this.names = new ThreadNames(mode, pds);
  }

  /** As for a client that has just come. */
  renew(): void {
    this.general = 1;
    this.resumed = 1;
    this.#attached = new Set([1]);
  }

  /** The domain that the client looks at. */
  get generalPd(): string {
    return this.names.pdOf(this.general) ?? '';
  }

  /** As stop replies have it: `thread:3;core:0;`. */
  get generalText(): string {
    return `thread:${this.names.write(this.general)};core:0;`;
  }

  /** Numbers, in the description's order. */
  get shown(): readonly number[] {
    return this.names.numbers.filter((number) => this.#isShown(number));
  }

  attach(number: number): void {
    this.#attached.add(number);
    this.general = number;
  }

  /** The world has stopped for a domain, or for none: the client looks there, if it can. */
  turnTo(pd: string | undefined): void {
    const number = pd === undefined ? this.general : this.names.numberOf(pd);
    this.general = number !== undefined && this.#isShown(number) ? number : this.#any();
  }

  /** `Hg…`, `Hc…`. @returns whether there is such a thread */
  choose(which: string | undefined, text: string): boolean {
    const id = this.names.read(text);
    if (id === undefined) return false;
    if (which === 'g') this.general = typeof id === 'number' ? id : this.#any();
    else if (which === 'c') this.resumed = this.one(id);
    else return false;
    return true;
  }

  /** @returns the thread that is meant where it has to be a single one */
  one(id: ThreadId | undefined): number {
    return typeof id === 'number' ? id : this.general;
  }

  #any(): number {
    return this.#isShown(this.general) ? this.general : (this.shown[0] ?? 1);
  }

  #isShown(number: number): boolean {
    return this.mode === 'threads' || this.#attached.has(number);
  }
}
