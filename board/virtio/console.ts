/**
 * The virtio console (virtio 1.2 §5.3): one port, as a stream of bytes between a serial wire and
 * two virtqueues.
 *
 * It has no baud rate, no line errors and no modem lines. Back-pressure is the ring itself: while
 * the wire takes nothing, transmit buffers stay unused and the driver waits, so nothing is lost.
 * Received bytes wait in the device while there is no receive buffer; on a `fast` line the sender
 * waits with them.
 *
 * Not modelled: VIRTIO_CONSOLE_F_MULTIPORT (several ports, control queues).
 */

import type { Ram } from '../../memory/ram.ts';
import type { DeviceRules, DmaWindow, IrqLine, Lint, Turn, TurnQueue } from '../device.ts';
import { CHAR_BREAK, CHAR_FRAMING_ERROR, CHAR_PARITY_ERROR } from '../serial-wire.ts';
import type { LineFormat, SerialEnd, SerialWire } from '../serial-wire.ts';
import * as r from './console-registers.ts';
import { type DeviceQueue, NO_CHAIN } from './device-queue.ts';
import {
  features,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_VERSION_1,
} from './mmio-registers.ts';
import { type MakeQueue, VirtioMmio, type VirtioModel } from './mmio.ts';

const QUEUE_SIZE_MAX = 64;
/** Received bytes that wait for a buffer; a power of two. */
const RECEIVED_BYTES_MAX = 4096;
/** Bytes sent and received in one turn, at most, so that one port cannot hold the board. */
const TURN_BYTES_MAX = 65_536;
const COLUMNS = 80;
const ROWS = 25;
const LINE_ERRORS = CHAR_BREAK | CHAR_FRAMING_ERROR | CHAR_PARITY_ERROR;
/** What the line is told: a console has no format, but a line has. */
const LIVE: LineFormat = { baud: 115_200, dataBits: 8, parity: 'none', stopBits: 1 };
const OFF: LineFormat = { ...LIVE, baud: 0 };

const OFFERED = features(
  r.VIRTIO_CONSOLE_F_SIZE,
  r.VIRTIO_CONSOLE_F_EMERG_WRITE,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_VERSION_1,
);

export interface VirtioConsoleOptions {
  /** Name for lint and dumps. */
  readonly name: string;
  readonly wire: SerialWire;
  readonly ram: Ram;
  readonly dma: DmaWindow;
  readonly irqLine: IrqLine;
  readonly lint: Lint;
  /** Lenient unless told. */
  readonly rules?: DeviceRules;
  readonly turns: TurnQueue;
  readonly makeQueue?: MakeQueue;
}

export class VirtioConsole implements VirtioModel, Turn, SerialEnd {
  readonly deviceId = r.CONSOLE_DEVICE_ID;
  readonly offered = OFFERED;
  readonly queueSizes = [QUEUE_SIZE_MAX, QUEUE_SIZE_MAX];
  readonly transport: VirtioMmio;
  readonly counters = {
    txBytes: 0,
    rxBytes: 0,
    txBadChains: 0,
    rxBadChains: 0,
    rxLineErrors: 0,
    rxDroppedFull: 0,
    emergencyWrites: 0,
  };
  readonly #wire: SerialWire;
  readonly #ram: Ram;
  readonly #turns: TurnQueue;
  readonly #rxQueue: DeviceQueue;
  readonly #txQueue: DeviceQueue;
  readonly #config = new DataView(new ArrayBuffer(r.ConsoleConfig.SIZE));
  readonly #received = new Uint8Array(RECEIVED_BYTES_MAX);
  #receivedTail = 0;
  #receivedHead = 0;
  /**
   * The transmit chain that the wire has taken only part of; {@link NO_CHAIN} when there is none.
   */
  #txHead = NO_CHAIN;
  #txSegment = 0;
  #txOffset = 0;

  constructor(options: VirtioConsoleOptions) {
    this.#wire = options.wire;
    this.#ram = options.ram;
    this.#turns = options.turns;
    this.transport = new VirtioMmio({ ...options, model: this });
    this.#rxQueue = this.transport.queue(r.RECEIVE_QUEUE);
    this.#txQueue = this.transport.queue(r.TRANSMIT_QUEUE);
    this.#setConfig(COLUMNS, ROWS);
    this.#wire.attach(this);
  }

  brokenDependency(): undefined {
    return undefined;
  }

  readConfig(offset: number, width: number): number {
    if (offset + width > r.ConsoleConfig.SIZE) return 0;
    if (width === 1) return this.#config.getUint8(offset);
    if (width === 2) return this.#config.getUint16(offset, true);
    return this.#config.getUint32(offset, true);
  }

  /**
   * §5.3.4: a write to emerg_wr prints its low byte, at any time, even before the device is set up.
   */
  writeConfig(offset: number, value: number): 'ok' | 'refused' {
    if (offset !== r.ConsoleConfig.emergWr.offset) return 'refused';
    this.counters.emergencyWrites += 1;
    if (this.#wire.ready()) this.#wire.transmit(value & 0xff);
    return 'ok';
  }

  driverOk(): void {
    this.#wire.setFormat(LIVE);
    this.#wire.receiverReady();
    this.#turns.markDue(this);
  }

  notified(): void {
    this.#turns.markDue(this);
  }

  queueStopped(queue: number): void {
    if (queue === r.TRANSMIT_QUEUE) this.#txHead = NO_CHAIN;
  }

  reset(): void {
    this.#txHead = NO_CHAIN;
    this.#receivedHead = this.#receivedTail;
    this.#wire.setFormat(OFF);
  }

  /** The terminal at the far end has changed its size. */
  resize(columns: number, rows: number): void {
    this.#setConfig(columns, rows);
    this.transport.configChanged();
  }

  // The wire's side.

  receive(character: number): void {
    // What a line makes of errors does not exist here: such a character is dropped, as a break is.
    if ((character & LINE_ERRORS) !== 0) this.counters.rxLineErrors += 1;
    else if (this.room() === 0) this.counters.rxDroppedFull += 1;
    else {
      this.#received[this.#receivedTail & (RECEIVED_BYTES_MAX - 1)] = character;
      this.#receivedTail = (this.#receivedTail + 1) | 0;
      this.#turns.markDue(this);
    }
  }

  breakChanged(level: 'mark' | 'space'): void {
    if (level === 'space') this.counters.rxLineErrors += 1;
  }

  inputsChanged(): void {
    // There are no modem lines to show them on.
  }

  lineReady(): void {
    this.#turns.markDue(this);
  }

  room(): number {
    return this.transport.live ? RECEIVED_BYTES_MAX - this.#waiting() : 0;
  }

  work(): void {
    if (!this.transport.live) return;
    const sent = this.#transmit();
    if (this.#txQueue.publish()) this.transport.interruptUsed();
    if (!this.transport.live) return;
    this.#deliver();
    if (this.#rxQueue.publish()) this.transport.interruptUsed();
    if (sent === 'more') this.#turns.markDue(this);
  }

  snapshot(): Record<string, unknown> {
    return { ...this.counters, waiting: this.#waiting(), transport: this.transport.snapshot() };
  }

  /** @returns 'more' when the turn ended before the queue and the wire did */
  #transmit(): 'more' | 'done' {
    const queue = this.#txQueue;
    queue.disableNotify();
    for (let sent = 0; sent < TURN_BYTES_MAX;) {
      if (this.#txHead === NO_CHAIN && !this.#nextTransmitChain()) return 'done';
      if (this.#txSegment === queue.readable) {
        queue.push(this.#txHead, 0);
        this.#txHead = NO_CHAIN;
        continue;
      }
      const before = this.#txOffset;
      const isFinished = this.#transmitSegment();
      sent += this.#txOffset - before;
      // The wire is full: the chain stays with the device until `lineReady`.
      if (!isFinished) return 'done';
      this.#txSegment += 1;
      this.#txOffset = 0;
    }
    return 'more';
  }

  #nextTransmitChain(): boolean {
    const queue = this.#txQueue;
    for (;;) {
      let head = queue.pop();
      if (head === NO_CHAIN && queue.enableNotify()) head = queue.pop();
      if (head === NO_CHAIN) return false;
      if (queue.chainState === 'good') {
        this.#txHead = head;
        this.#txSegment = 0;
        this.#txOffset = 0;
        return true;
      }
      this.counters.txBadChains += 1;
      queue.push(head, 0);
    }
  }

  /** @returns whether all of the segment has gone */
  #transmitSegment(): boolean {
    const at = this.#txQueue.segmentAt(this.#txSegment);
    const length = this.#txQueue.segmentLength(this.#txSegment);
    const wire = this.#wire;
    const { u8 } = this.#ram;
    let offset = this.#txOffset;
    while (offset < length && wire.ready()) {
      wire.transmit(u8[at + offset] as number);
      offset += 1;
    }
    this.counters.txBytes += offset - this.#txOffset;
    this.#txOffset = offset;
    return offset === length;
  }

  /** Moves received bytes into the driver's buffers. */
  #deliver(): void {
    const queue = this.#rxQueue;
    queue.disableNotify();
    while (this.#waiting() > 0) {
      let head = queue.pop();
      if (head === NO_CHAIN && queue.enableNotify()) head = queue.pop();
      if (head === NO_CHAIN) return;
      if (queue.chainState !== 'good') this.counters.rxBadChains += 1;
      queue.push(head, queue.chainState === 'good' ? this.#fill() : 0);
    }
    this.#wire.receiverReady();
  }

  /** @returns bytes written to the popped chain */
  #fill(): number {
    const queue = this.#rxQueue;
    const { u8 } = this.#ram;
    let written = 0;
    for (let segment = queue.readable; segment < queue.segments; segment += 1) {
      const at = queue.segmentAt(segment);
      const length = Math.min(queue.segmentLength(segment), this.#waiting());
      for (let index = 0; index < length; index += 1) {
        u8[at + index] = this.#received[this.#receivedHead & (RECEIVED_BYTES_MAX - 1)] as number;
        this.#receivedHead = (this.#receivedHead + 1) | 0;
      }
      written += length;
    }
    this.counters.rxBytes += written;
    return written;
  }

  #waiting(): number {
    return (this.#receivedTail - this.#receivedHead) | 0;
  }

  #setConfig(columns: number, rows: number): void {
    r.ConsoleConfig.cols.set(this.#config, 0, columns);
    r.ConsoleConfig.rows.set(this.#config, 0, rows);
    r.ConsoleConfig.maxNrPorts.set(this.#config, 0, 1);
  }
}
