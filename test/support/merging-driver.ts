/**
 * Test support: a driver of the network device as other systems have them. It receives into small
 * buffers that the device may merge (MRG_RXBUF), says which frames it wants (CTRL_RX), and sends
 * each frame back to whom it came from. It takes the domain of `ethernet_driver` and uses its
 * registers, its ring memory and its interrupt; sDDF's queues it leaves alone.
 *
 * Source: virtio 1.2, sections 2.7, 4.2.2, 5.1.6.4 and 5.1.6.5; numbers are repeated from there.
 */

import type { DeviceRegion, Region } from '../../memory/region.ts';
import type { Program, ProtectionDomain } from '../../microkit/pd.ts';
import type { NetDriverConfig } from '../../queues/net/config.ts';

/** A command of class VIRTIO_NET_CTRL_RX: 0 promiscuous, 1 all multicast; 0 off, 1 on. */
export type ReceiveCommand = readonly [command: 0 | 1, value: 0 | 1];

export interface MergingDriverOptions {
  readonly commands?: readonly ReceiveCommand[];
  /** Told of each frame, and in how many buffers the device says that it is. */
  readonly onFrame: (lengthBytes: number, buffers: number) => void;
  /** The device's answer to the next command: 0 is OK. */
  readonly onAnswer?: (answer: number) => void;
}

export const BUFFER_BYTES = 512;
const HEADER_BYTES = 12;
const NUM_BUFFERS = 10;
const ENTRIES = 16;
const [RX, TX, CTRL] = [0, 1, 2] as const;
/** Feature bits: MTU, MRG_RXBUF, CTRL_VQ, CTRL_RX; VERSION_1 is the high word's first. */
const FEATURES = (1 << 3) | (1 << 15) | (1 << 17) | (1 << 18);
const VERSION_1_HIGH = 1;
// Status bits.
const [ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK] = [1, 2, 4, 8] as const;
// Registers.
const [DRIVER_FEATURES, DRIVER_FEATURES_SEL, STATUS] = [0x020, 0x024, 0x070] as const;
const [QUEUE_SEL, QUEUE_SIZE, QUEUE_READY, QUEUE_NOTIFY] = [0x030, 0x038, 0x044, 0x050] as const;
const [INTERRUPT_STATUS, INTERRUPT_ACK] = [0x060, 0x064] as const;
/** Low halves; the high ones are four behind. */
const [QUEUE_DESC, QUEUE_DRIVER, QUEUE_DEVICE] = [0x080, 0x090, 0x0a0] as const;
// A queue's parts, from its beginning on.
const [AVAIL, USED, QUEUE_BYTES] = [0x100, 0x200, 0x1000] as const;
// Memory behind the queues.
const COMMANDS_AT = 0x3000;
const COMMAND_BYTES = 16;
const RX_AT = 0x4000;
const TX_AT = 0x7000;
const TX_BYTES = 0x900;
const [DESC_NEXT, DESC_WRITE] = [1, 2] as const;

export function mergingDriver(options: MergingDriverOptions): Program<NetDriverConfig> {
  return (pd) => {
    const driver = new MergingDriver(pd, options);
    return { notified: () => driver.notified() };
  };
}

class MergingDriver {
  readonly #pd: ProtectionDomain<NetDriverConfig>;
  readonly #options: MergingDriverOptions;
  readonly #registers: DeviceRegion;
  readonly #memory: Region;
  readonly #paddr: number;
  /** Entries of each used ring that have been looked at. */
  readonly #seen = [0, 0, 0];
  #sent = 0;

  constructor(pd: ProtectionDomain<NetDriverConfig>, options: MergingDriverOptions) {
    this.#pd = pd;
    this.#options = options;
    this.#registers = pd.deviceRegion(pd.config.registers);
    this.#memory = pd.region(pd.config.rings);
    this.#paddr = pd.vars[pd.config.ringsPaddrSymbol] ?? 0;
    this.#start();
  }

  notified(): void {
    const reasons = this.#registers.read32(INTERRUPT_STATUS);
    this.#registers.write32(INTERRUPT_ACK, reasons);
    for (let used = this.#take(CTRL); used !== undefined; used = this.#take(CTRL)) {
      const answerAt = COMMANDS_AT + (used.id >> 1) * COMMAND_BYTES + 3;
      this.#options.onAnswer?.(this.#memory.read8(answerAt));
    }
    while (this.#take(TX) !== undefined);
    while (this.#receive());
    for (const queue of [RX, TX]) this.#registers.write32(QUEUE_NOTIFY, queue);
    this.#pd.irqAck(this.#pd.config.irq);
  }

  #start(): void {
    const io = this.#registers;
    io.write32(STATUS, 0);
    io.write32(STATUS, ACKNOWLEDGE | DRIVER);
    for (const [word, bits] of [FEATURES, VERSION_1_HIGH].entries()) {
      io.write32(DRIVER_FEATURES_SEL, word);
      io.write32(DRIVER_FEATURES, bits);
    }
    io.write32(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    if ((io.read32(STATUS) & FEATURES_OK) === 0) throw new Error('the device refuses the features');
    for (const queue of [RX, TX, CTRL]) this.#setUp(queue);
    for (let index = 0; index < ENTRIES; index += 1) {
      this.#describe(RX, index, RX_AT + index * BUFFER_BYTES, BUFFER_BYTES, DESC_WRITE);
      this.#offer(RX, index, index);
    }
    io.write32(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
    io.write32(QUEUE_NOTIFY, RX);
    (this.#options.commands ?? []).forEach((command, index) => this.#command(index, command));
    io.write32(QUEUE_NOTIFY, CTRL);
    this.#pd.irqAck(this.#pd.config.irq);
  }

  #setUp(queue: number): void {
    const io = this.#registers;
    const at = this.#paddr + queue * QUEUE_BYTES;
    io.write32(QUEUE_SEL, queue);
    io.write32(QUEUE_SIZE, ENTRIES);
    for (const [register, part] of [
      [QUEUE_DESC, 0],
      [QUEUE_DRIVER, AVAIL],
      [QUEUE_DEVICE, USED],
    ] as const) {
      io.write32(register, (at + part) >>> 0);
      io.write32(register + 4, Math.floor((at + part) / 2 ** 32));
    }
    io.write32(QUEUE_READY, 1);
  }

  #describe(queue: number, index: number, at: number, lengthBytes: number, flags: number): void {
    const entry = queue * QUEUE_BYTES + index * 16;
    const paddr = this.#paddr + at;
    this.#memory.write32(entry, paddr >>> 0);
    this.#memory.write32(entry + 4, Math.floor(paddr / 2 ** 32));
    this.#memory.write32(entry + 8, lengthBytes);
    this.#memory.write16(entry + 12, flags);
    this.#memory.write16(entry + 14, index + 1);
  }

  /** @param count how many were offered before, as the available ring's index has it */
  #offer(queue: number, count: number, head: number): void {
    const ring = queue * QUEUE_BYTES + AVAIL;
    this.#memory.write16(ring + 4 + (count % ENTRIES) * 2, head);
    this.#memory.write16(ring + 2, (count + 1) & 0xffff);
  }

  /** @returns the next entry of a used ring: a chain's head, and what the device has written */
  #take(queue: number): { readonly id: number; readonly bytes: number } | undefined {
    const ring = queue * QUEUE_BYTES + USED;
    const seen = this.#seen[queue] ?? 0;
    if (this.#memory.read16(ring + 2) === (seen & 0xffff)) return undefined;
    const entry = ring + 4 + (seen % ENTRIES) * 8;
    this.#seen[queue] = seen + 1;
    return { id: this.#memory.read32(entry), bytes: this.#memory.read32(entry + 4) };
  }

  /** One frame, of as many buffers as its header says. @returns whether there was one */
  #receive(): boolean {
    const first = this.#take(RX);
    if (first === undefined) return false;
    const buffers = this.#memory.read16(RX_AT + first.id * BUFFER_BYTES + NUM_BUFFERS);
    const pieces = [this.#pieceOf(first)];
    for (let index = 1; index < buffers; index += 1) {
      const next = this.#take(RX);
      // 5.1.6.4: all of a frame's buffers are used at once.
      if (next === undefined) throw new Error('the device has kept a part of a frame');
      pieces.push(this.#pieceOf(next));
    }
    const frame = Buffer.concat(pieces).subarray(HEADER_BYTES);
    this.#options.onFrame(frame.length, buffers);
    this.#send(frame);
    return true;
  }

  /** Copies a buffer out, and offers it again. */
  #pieceOf({ id, bytes }: { readonly id: number; readonly bytes: number }): Uint8Array {
    const piece = new Uint8Array(bytes);
    this.#memory.read(RX_AT + id * BUFFER_BYTES, piece);
    this.#offer(RX, ENTRIES + (this.#seen[RX] ?? 0) - 1, id);
    return piece;
  }

  #send(frame: Uint8Array): void {
    const index = this.#sent % ENTRIES;
    const at = TX_AT + index * TX_BYTES;
    this.#memory.fill(at, 0, HEADER_BYTES);
    this.#memory.write(at + HEADER_BYTES, frame);
    this.#memory.write(at + HEADER_BYTES, frame.subarray(6, 12));
    this.#memory.write(at + HEADER_BYTES + 6, frame.subarray(0, 6));
    this.#describe(TX, index, at, HEADER_BYTES + frame.length, 0);
    this.#offer(TX, this.#sent, index);
    this.#sent += 1;
  }

  #command(index: number, [command, value]: ReceiveCommand): void {
    const at = COMMANDS_AT + index * COMMAND_BYTES;
    this.#memory.write(at, Uint8Array.of(0, command, value, 0xff));
    this.#describe(CTRL, 2 * index, at, 3, DESC_NEXT);
    this.#describe(CTRL, 2 * index + 1, at + 3, 1, DESC_WRITE);
    this.#offer(CTRL, index, 2 * index);
  }
}
