/**
 * The switch's directory: a client tells its IP address, asks whom it may reach, and asks for the
 * address of one of them. Calls and error numbers are those of sDDF 0.7 (`network/vswitch`,
 * documentation of its protected procedure).
 *
 *     label 0 SET_IP       (address)   → error
 *           1 QUERY_STATE  ()          → error, own port, bitmap of the ports that may be reached
 *           2 REQ_CLIENT   (port)      → error, address
 *
 * The error is in message register 0. Unlike upstream, a port number is compared with the number of
 * ports before it is used.
 */

import { type MessageInfo, messageInfo, messageLabel } from '../../../microkit/pd.ts';

export const VSWITCH_SET_IP = 0;
export const VSWITCH_QUERY_STATE = 1;
export const VSWITCH_REQ_CLIENT = 2;

export const VSWITCH_OK = 0;
export const VSWITCH_INVALID_IP = 1;
export const VSWITCH_DENIED = 2;
export const VSWITCH_NO_IP = 3;
export const VSWITCH_VIRT_PORT = 4;
export const VSWITCH_INVALID_OPERATION = 5;

const UNSPECIFIED = 0;
const BROADCAST = 0xffff_ffff;

/** Message registers, as a protection domain has them. */
export interface Registers {
  mr(index: number): number;
  setMr(index: number, value: number): void;
}

export class Directory {
  /** For each port, whether each port may be reached from it. */
  readonly #reach: readonly (readonly boolean[])[];
  readonly #uplink: number;
  readonly #addresses: (number | undefined)[];

  constructor(reach: readonly (readonly boolean[])[], uplink: number) {
    this.#reach = reach;
    this.#uplink = uplink;
    this.#addresses = reach.map(() => undefined);
  }

  /** Answers a call of the client at `port`. */
  answer(port: number, message: MessageInfo, registers: Registers): MessageInfo {
    switch (messageLabel(message)) {
      case VSWITCH_SET_IP:
        return reply(registers, [this.#setAddress(port, registers.mr(0))]);
      case VSWITCH_QUERY_STATE:
        return reply(registers, [VSWITCH_OK, port, this.#bitmap(port)]);
      case VSWITCH_REQ_CLIENT:
        return reply(registers, this.#addressOf(port, registers.mr(0)));
      default:
        return reply(registers, [VSWITCH_INVALID_OPERATION]);
    }
  }

  #setAddress(port: number, address: number): number {
    if (address <= UNSPECIFIED || address >= BROADCAST) return VSWITCH_INVALID_IP;
    this.#addresses[port] = address;
    return VSWITCH_OK;
  }

  #bitmap(port: number): number {
    let bits = 0;
    this.#reach[port]?.forEach((may, other) => {
      if (may) bits += 2 ** other;
    });
    return bits;
  }

  #addressOf(port: number, wanted: number): readonly number[] {
    if (wanted === this.#uplink) return [VSWITCH_VIRT_PORT, 0];
    if (this.#reach[port]?.[wanted] !== true) return [VSWITCH_DENIED, 0];
    const address = this.#addresses[wanted];
    return address === undefined ? [VSWITCH_NO_IP, 0] : [VSWITCH_OK, address];
  }
}

function reply(registers: Registers, words: readonly number[]): MessageInfo {
  words.forEach((word, index) => registers.setMr(index, word));
  return messageInfo(0, words.length);
}
