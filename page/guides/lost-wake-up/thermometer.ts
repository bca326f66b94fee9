/** Stands for the device of docs/writing-a-driver.md, whose file the example is given instead. */

import type { Board } from '../../../board/board.ts';

export declare const PLACE: {
  readonly base: number;
  readonly sizeBytes: number;
  readonly irq: number;
};
export declare function attachThermometer(board: Board): void;
