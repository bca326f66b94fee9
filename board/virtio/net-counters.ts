/** What a NIC counts. Every frame that it does not pass on is counted under the reason. */

import { FLOAT_ZERO } from '../../memory/small-integer.ts';

/** Why a frame was lost at the NIC. */
export type NetDrop =
  /** Received, but no chain was available. */
  | 'rxNoBuffer'
  /** Received, but larger than the chain, and MRG_RXBUF was not negotiated. */
  | 'rxBufferTooSmall'
  /** Shorter than an Ethernet header. */
  | 'rxTooShort'
  /** Longer than what the wire's packets come to, by its tags. */
  | 'rxTooLong'
  /** For another station. */
  | 'rxFiltered'
  | 'rxLinkDown'
  | 'txTooShort'
  | 'txTooLong'
  | 'txLinkDown'
  /** The chain has a buffer that cannot be reached, or its descriptors are in a wrong order. */
  | 'txBadChain'
  /** No whole header, or one that asks for what was not negotiated. */
  | 'txBadHeader';

/** The text that goes with each reason into a capture. */
export const NET_DROP_TEXT: Readonly<Record<NetDrop, string>> = {
  rxNoBuffer: 'no buffer',
  rxBufferTooSmall: 'buffer too small',
  rxTooShort: 'too short',
  rxTooLong: 'too long',
  rxFiltered: 'for another station',
  rxLinkDown: 'link down',
  txTooShort: 'too short',
  txTooLong: 'too long',
  txLinkDown: 'link down',
  txBadChain: 'bad descriptor chain',
  txBadHeader: 'bad header',
};

export class NetCounters {
  rxFrames = 0;
  rxBytes = FLOAT_ZERO;
  txFrames = 0;
  txBytes = FLOAT_ZERO;
  /** Receive chains given back unused because they could not be written to. */
  rxBadChains = 0;
  readonly drops: Record<NetDrop, number> = {
    rxNoBuffer: 0,
    rxBufferTooSmall: 0,
    rxTooShort: 0,
    rxTooLong: 0,
    rxFiltered: 0,
    rxLinkDown: 0,
    txTooShort: 0,
    txTooLong: 0,
    txLinkDown: 0,
    txBadChain: 0,
    txBadHeader: 0,
  };

  constructor() {
    this.rxBytes = 0;
    this.txBytes = 0;
  }

  snapshot(): Record<string, unknown> {
    const { rxFrames, rxBytes, txFrames, txBytes, rxBadChains } = this;
    return { rxFrames, rxBytes, txFrames, txBytes, rxBadChains, drops: { ...this.drops } };
  }
}
