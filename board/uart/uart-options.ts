/** What a UART model is given: narrow things, never the board. */

import type { Clock } from '../clock.ts';
import type { IrqLine, Lint } from '../device.ts';
import type { SerialWire } from '../serial-wire.ts';

export interface UartOptions {
  readonly clock: Clock;
  readonly irq: IrqLine;
  readonly wire: SerialWire;
  readonly lint: Lint;
  /** Frequency of the baud generator's input; each model has its board's usual one unless told. */
  readonly clockHz?: number;
}
