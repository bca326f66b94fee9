/** What the driver counts. */

import { counterNames } from '../../../queues/counters.ts';

export const NET_DRIVER_COUNTERS = counterNames(
  'rxPackets',
  'rxBytes',
  'txPackets',
  'txBytes',
  'interrupts',
  'interruptsSpurious',
  'linkChanges',
  /** Received frames shorter than an Ethernet header; longer than a frame may be. */
  'rxRunt',
  'rxOversize',
  /** No room in the active queue: cannot be, unless the virtualiser breaks the rules. */
  'rxQueueFull',
  /** Frames to send that are shorter than an Ethernet header or longer than a frame may be. */
  'txBadLength',
  /**
   * Frames to send while there is no working device; frames that the device had when it was reset.
   */
  'txNoDevice',
  'txLostInReset',
  /** No room in the free queue: cannot be, unless the virtualiser breaks the rules. */
  'txQueueFull',
  'resets',
  // Why: what the device did.
  'usedIndexLies',
  'usedIdLies',
  'usedLengthLies',
  'numBuffersLies',
  'needsReset',
  // What only the watchdog has found.
  /** Work that no interrupt had told of. */
  'interruptsLost',
  /** A device that had reset itself without a word. */
  'selfResets',
  /** A device that did not end its transmissions. */
  'txStuck',
  /** Received frames whose checksum their sender has left to the device, and nobody completes. */
  'rxPartialChecksum',
  /** Frames to send whose checksum was left to the device. */
  'txChecksums',
  /** Such frames that went back: the device makes none, or it would not lie in the frame. */
  'txChecksumRefused',
);
