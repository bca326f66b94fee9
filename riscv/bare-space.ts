/**
 * An address space as it is without the stops that somebody has planted in its code: what an engine
 * executes an instruction in that another one has stopped before. Everything else is the other
 * engine's space, so that neither sees code that the other does not.
 */

import type { Ram } from '../memory/ram.ts';
import { AddressSpace, type CodeRun } from './address-space.ts';
import type { Run } from './hart.ts';

export class BareSpace extends AddressSpace {
  readonly #space: AddressSpace;

  constructor(ram: Ram, space: AddressSpace) {
    super(ram, space.outside);
    this.#space = space;
  }

  override get version(): number {
    return this.#space.version;
  }

  override refresh(): void {
    this.#space.refresh();
  }

  override fenceInstructions(): void {
    this.#space.fenceInstructions();
  }

  override runAt(vaddr: number): Run | undefined {
    return this.#space.runAt(vaddr);
  }

  override plainRunAt(vaddr: number, isWrite: boolean): Run | undefined {
    return this.#space.plainRunAt(vaddr, isWrite);
  }

  override hasStored(vaddr: number, bytes: number): boolean {
    return this.#space.hasStored(vaddr, bytes);
  }

  override codeAt(vaddr: number): CodeRun | undefined {
    return this.#space.bareCodeAt(vaddr);
  }

  override bareCodeAt(vaddr: number): CodeRun | undefined {
    return this.#space.bareCodeAt(vaddr);
  }

  override isPlanted(): boolean {
    return false;
  }

  override isWatched(access: 'read' | 'write', at: number, bytes: number): boolean {
    return this.#space.isWatched(access, at, bytes);
  }

  override hasAccessed(access: 'read' | 'write', at: number, bytes: number): void {
    this.#space.hasAccessed(access, at, bytes);
  }

  override unwatchedPart(run: Run, vaddr: number, access: 'read' | 'write'): Run | undefined {
    return this.#space.unwatchedPart(run, vaddr, access);
  }
}
