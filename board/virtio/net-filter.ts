/**
 * Which frames a NIC receives: its own, broadcasts, and what VIRTIO_NET_CTRL_RX asks for (virtio
 * 1.2 §5.1.6.5.1).
 *
 * After a reset it is promiscuous, as QEMU's is: a driver that does not negotiate CTRL_RX cannot
 * ask for it, and virtualisers share the NIC among clients with addresses of their own.
 */

import {
  VIRTIO_NET_CTRL_RX_ALLMULTI,
  VIRTIO_NET_CTRL_RX_PROMISC,
  VIRTIO_NET_ERR,
  VIRTIO_NET_OK,
} from './net-registers.ts';

export class NetFilter {
  readonly #mac: Uint8Array;
  #promiscuous = true;
  #allMulticast = false;

  constructor(mac: Uint8Array) {
    this.#mac = mac;
  }

  /** Every frame is for us: there is no need to look at it. */
  get acceptsAll(): boolean {
    return this.#promiscuous;
  }

  /** @returns whether a frame to the address at `u8[at]` is for us */
  accepts(u8: Uint8Array, at: number): boolean {
    if (this.#promiscuous) return true;
    let own = true;
    let broadcast = true;
    for (let i = 0; i < 6; i++) {
      const byte = u8[at + i] as number;
      if (byte !== this.#mac[i]) own = false;
      if (byte !== 0xff) broadcast = false;
    }
    const multicast = ((u8[at] as number) & 1) === 1;
    return own || broadcast || (this.#allMulticast && multicast);
  }

  /** A command of class VIRTIO_NET_CTRL_RX. @param value 0 off, 1 on */
  command(command: number, value: number): number {
    if (value > 1) return VIRTIO_NET_ERR;
    if (command === VIRTIO_NET_CTRL_RX_PROMISC) this.#promiscuous = value === 1;
    else if (command === VIRTIO_NET_CTRL_RX_ALLMULTI) this.#allMulticast = value === 1;
    else return VIRTIO_NET_ERR;
    return VIRTIO_NET_OK;
  }

  reset(): void {
    this.#promiscuous = true;
    this.#allMulticast = false;
  }

  snapshot(): Record<string, unknown> {
    return {
      promiscuous: this.#promiscuous ? 'on' : 'off',
      allMulticast: this.#allMulticast ? 'on' : 'off',
    };
  }
}
