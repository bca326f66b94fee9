/** The device of docs/writing-a-driver.md, whose file the example is given. */

import type { Board } from '../../../board/board.ts';

export const PLACE: { readonly base: number; readonly sizeBytes: number; readonly irq: number };
export function attachThermometer(board: Board): void;
