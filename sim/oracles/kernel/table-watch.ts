/** Copies of page tables and ASID pools from step to step: which entries have changed. */

import type { KernelObject } from '../../../kernel/objects/objects.ts';
import type { AsidPool, PageTable } from '../../../kernel/memory/page-table.ts';

export interface TableChange {
  readonly table: PageTable | AsidPool;
  readonly index: number;
  /** The entry before: undefined or `null` when there was none. */
  readonly before: unknown;
}

export class TableWatch {
  readonly #copies = new Map<PageTable | AsidPool, unknown[]>();

  /**
   * @returns entries that are not as they were at the last call; those of a new table were empty
   */
  advance(live: ReadonlySet<KernelObject>): readonly TableChange[] {
    const changes: TableChange[] = [];
    for (const object of live) {
      if (object.kind === 'pageTable') this.#compare(object, object.entries, changes);
      else if (object.kind === 'asidPool') this.#compare(object, object.roots, changes);
    }
    if (this.#copies.size > 2 * live.size + 16) this.#forget(live);
    return changes;
  }

  #compare(table: PageTable | AsidPool, entries: readonly unknown[], changes: TableChange[]): void {
    let copy = this.#copies.get(table);
    if (copy === undefined) {
      const empty = table.kind === 'pageTable' ? undefined : null;
      copy = Array.from({ length: entries.length }, () => empty);
      this.#copies.set(table, copy);
    }
    for (let index = 0; index < entries.length; index += 1) {
      const entry = entries[index];
      const before = copy[index];
      if (entry === before) continue;
      changes.push({ table, index, before });
      copy[index] = entry;
    }
  }

  #forget(live: ReadonlySet<KernelObject>): void {
    for (const table of this.#copies.keys()) if (!live.has(table)) this.#copies.delete(table);
  }
}
