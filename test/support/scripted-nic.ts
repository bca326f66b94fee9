/**
 * A virtio network device of which a test writes every move: registers that follow the
 * specification, and virtqueues whose used rings hold what the test puts there, lies included. Not
 * the board's model, so that the driver is also tested against a second reading of the
 * specification.
 *
 * Constants are declared again here, from virtio 1.2.
 */

import { assert } from '../../memory/assert.ts';
import type { Ram } from '../../memory/ram.ts';
import type { MmioDevice } from '../../memory/region.ts';

export const F_MTU = 1 << 3;
export const F_MAC = 1 << 5;
export const F_STATUS = 1 << 16;
export const F_INDIRECT_DESC = 1 << 28;
export const F_EVENT_IDX = 1 << 29;

const HEADER_BYTES = 12;

export interface NicOptions {
  readonly ram: Ram;
  /** Offered feature bits 0..31; VERSION_1 is offered besides. */
  readonly features?: number;
  readonly version1?: 'offered' | 'missing';
  readonly deviceId?: number;
  readonly magic?: number;
  readonly version?: number;
  readonly queueSizeMax?: number;
  readonly mtu?: number;
  /** 'refuse' does not keep FEATURES_OK. */
  readonly featuresOk?: 'accept' | 'refuse';
  /** 'moving' is never the same twice. */
  readonly configGeneration?: 'steady' | 'moving';
}

/** A chain as the driver made it available. */
export interface Chain {
  readonly head: number;
  /** Position in RAM and length of the header and of the buffer. */
  readonly headerAt: number;
  readonly bufferAt: number;
  readonly bufferBytes: number;
  readonly writable: 'yes' | 'no';
}

export class ScriptedNic implements MmioDevice {
  readonly queues: readonly [NicQueue, NicQueue];
  /** Register writes, in order: for tests of the initialisation sequence. */
  readonly writes: { readonly offset: number; readonly value: number }[] = [];
  status = 0;
  interruptStatus = 0;
  link: 'up' | 'down' = 'up';
  /** Pulled out, it reads as all ones, and nothing that is written arrives. */
  plug: 'in' | 'out' = 'in';
  accepted = 0;
  resets = 0;
  notifications: number[] = [];
  options: NicOptions;
  #generation = 0;
  #featuresSel = 0;
  #driverFeaturesSel = 0;
  #queueSel = 0;

  constructor(options: NicOptions) {
    this.options = options;
    this.queues = [new NicQueue(options.ram), new NicQueue(options.ram)];
  }

  get rx(): NicQueue {
    return this.queues[0];
  }

  get tx(): NicQueue {
    return this.queues[1];
  }

  read(offset: number, width: number): number {
    if (this.plug === 'out') return 0xffff_ffff >>> (32 - 8 * width);
    const { magic = 0x7472_6976, version = 2, deviceId = 1, mtu = 1500 } = this.options;
    const queue = this.queues[this.#queueSel];
    switch (offset) {
      case 0x000:
        return magic;
      case 0x004:
        return version;
      case 0x008:
        return deviceId;
      case 0x010:
        return this.#offered();
      case 0x034:
        return queue === undefined ? 0 : (this.options.queueSizeMax ?? 256);
      case 0x044:
        return queue?.ready ?? 0;
      case 0x060:
        return this.interruptStatus;
      case 0x070:
        return this.status;
      case 0x0fc:
        if (this.options.configGeneration === 'moving') this.#generation += 1;
        return this.#generation;
      case 0x106:
        assert(width === 2, 'the status field has 16 bits');
        return this.link === 'up' ? 1 : 0;
      case 0x10a:
        return mtu;
      default:
        return offset >= 0x100 && offset < 0x106 ? 0x50 + offset - 0x100 : 0;
    }
  }

  write(offset: number, value: number): void {
    if (this.plug === 'out') return;
    this.writes.push({ offset, value });
    const queue = this.queues[this.#queueSel];
    switch (offset) {
      case 0x014:
        this.#featuresSel = value;
        return;
      case 0x020:
        if (this.#driverFeaturesSel === 0) this.accepted = value;
        return;
      case 0x024:
        this.#driverFeaturesSel = value;
        return;
      case 0x030:
        this.#queueSel = value;
        return;
      case 0x050:
        this.notifications.push(value);
        return;
      case 0x064:
        this.interruptStatus &= ~value;
        return;
      case 0x070:
        this.#writeStatus(value);
        return;
      default:
        queue?.write(offset, value);
    }
  }

  #offered(): number {
    if (this.#featuresSel === 1) return this.options.version1 === 'missing' ? 0 : 1;
    const all = F_MTU | F_MAC | F_STATUS | F_INDIRECT_DESC | F_EVENT_IDX;
    return this.options.features ?? all;
  }

  #writeStatus(value: number): void {
    if (value === 0) {
      this.resets += 1;
      this.status = 0;
      this.interruptStatus = 0;
      for (const queue of this.queues) queue.reset();
      return;
    }
    const keeps = this.options.featuresOk === 'refuse' ? value & ~8 : value;
    this.status = keeps;
    const indirect = (this.accepted & F_INDIRECT_DESC) !== 0 ? 'yes' : 'no';
    for (const queue of this.queues) queue.indirect = indirect;
  }
}

/** The device's side of one virtqueue. */
export class NicQueue {
  ready = 0;
  size = 0;
  indirect: 'yes' | 'no' = 'no';
  lastAvail = 0;
  usedIdx = 0;
  readonly #ram: Ram;
  readonly #addresses = new Map<number, number>();

  constructor(ram: Ram) {
    this.#ram = ram;
  }

  reset(): void {
    this.ready = 0;
    this.size = 0;
    this.lastAvail = 0;
    this.usedIdx = 0;
    this.#addresses.clear();
  }

  write(offset: number, value: number): void {
    if (offset === 0x038) this.size = value;
    else if (offset === 0x044) this.ready = value;
    else this.#addresses.set(offset, value);
  }

  /** Everything that has become available since the last time. */
  takeAll(): Chain[] {
    const chains: Chain[] = [];
    const { view } = this.#ram;
    const idx = view.getUint16(this.#avail + 2, true);
    while (this.lastAvail !== idx) {
      const slot = this.lastAvail & (this.size - 1);
      chains.push(this.#chain(view.getUint16(this.#avail + 4 + 2 * slot, true)));
      this.lastAvail = (this.lastAvail + 1) & 0xffff;
    }
    // Ask to be notified of the next one: avail_event.
    view.setUint16(this.#used + 4 + 8 * this.size, this.lastAvail, true);
    return chains;
  }

  /** Writes a used element and moves the index on. */
  complete(id: number, len: number): void {
    const at = this.#used + 4 + 8 * (this.usedIdx & (this.size - 1));
    this.#ram.view.setUint32(at, id, true);
    this.#ram.view.setUint32(at + 4, len, true);
    this.setUsedIdx((this.usedIdx + 1) & 0xffff);
  }

  setUsedIdx(value: number): void {
    this.usedIdx = value;
    this.#ram.view.setUint16(this.#used + 2, value, true);
  }

  /** Receives a frame into a chain, as an honest device does. */
  receive(chain: Chain, frame: Uint8Array, flags = 0): void {
    this.#ram.u8.fill(0, chain.headerAt, chain.headerAt + HEADER_BYTES);
    this.#ram.u8[chain.headerAt] = flags;
    this.#ram.view.setUint16(chain.headerAt + 10, 1, true);
    this.#ram.u8.set(frame, chain.bufferAt);
    this.complete(chain.head, HEADER_BYTES + frame.length);
  }

  /** The bytes of a frame to send. */
  frame(chain: Chain): Uint8Array {
    return this.#ram.u8.slice(chain.bufferAt, chain.bufferAt + chain.bufferBytes);
  }

  #chain(head: number): Chain {
    const { view } = this.#ram;
    const ring = this.#desc + 16 * head;
    const table = this.indirect === 'yes';
    if (table) {
      assert(view.getUint16(ring + 12, true) === 4, 'an indirect descriptor has this flag alone');
      assert(view.getUint32(ring + 8, true) === 32, 'the table has two descriptors');
    }
    const first = table ? this.#position(ring) : ring;
    const flags = view.getUint16(first + 12, true);
    assert((flags & 1) !== 0, 'the header is followed by a buffer');
    assert(view.getUint32(first + 8, true) === HEADER_BYTES, 'the header has 12 bytes');
    const next = view.getUint16(first + 14, true);
    const second = table ? first + 16 * next : this.#desc + 16 * next;
    const secondFlags = view.getUint16(second + 12, true);
    assert((secondFlags & ~2) === 0, 'the buffer ends the chain');
    assert((secondFlags & 2) === (flags & 2), 'one direction');
    return {
      head,
      headerAt: this.#position(first),
      bufferAt: this.#position(second),
      bufferBytes: view.getUint32(second + 8, true),
      writable: (flags & 2) === 0 ? 'no' : 'yes',
    };
  }

  /** Position in RAM of what a descriptor points to. */
  #position(descriptorAt: number): number {
    const { view, base } = this.#ram;
    const low = view.getUint32(descriptorAt, true);
    assert(view.getUint32(descriptorAt + 4, true) === 0, 'RAM lies below 4 GiB');
    return low - base;
  }

  get #desc(): number {
    return (this.#addresses.get(0x080) ?? 0) - this.#ram.base;
  }

  get #avail(): number {
    return (this.#addresses.get(0x090) ?? 0) - this.#ram.base;
  }

  get #used(): number {
    return (this.#addresses.get(0x0a0) ?? 0) - this.#ram.base;
  }
}
