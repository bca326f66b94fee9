/**
 * Names of the counters that the programs of the serial class keep: what went through, and every
 * drop by its reason.
 */

import { counterNames } from '../counters.ts';

/** Counters of every serial driver; a device without a line never counts line errors. */
export const SERIAL_DRIVER_COUNTERS = counterNames(
  'interrupts',
  'spuriousInterrupts',
  'txBytes',
  'rxBytes',
  'rxDroppedFull',
  'overruns',
  'parityErrors',
  'framingErrors',
  'breaks',
  'modemChanges',
  'deviceResets',
);

/** Counters of the transmit virtualiser. */
export const SERIAL_VIRT_TX_COUNTERS = counterNames(
  'bytes',
  'transfers',
  'clientsMadeToWait',
  'queueLies',
);

/** Counters of the receive virtualiser: `badSwitches` are numbers of clients that there are not. */
export const SERIAL_VIRT_RX_COUNTERS = counterNames(
  'bytes',
  'droppedClientFull',
  'switches',
  'badSwitches',
  'queueLies',
);
