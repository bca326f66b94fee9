/** What a debugger knows of the world that it looks at. */

import type { Board } from '../board/board.ts';
import type { Kernel } from '../kernel/boot.ts';
import type { PageTable } from '../kernel/memory/page-table.ts';

/** A world while it is debugged. */
export interface DebuggedWorld {
  readonly kernel: Kernel;
  readonly board: Board;
  /** All page tables that were made. */
  readonly tables: readonly PageTable[];
}
