/** The router's end of one network: its queues, buffers and address, and who else is there. */

import { demand } from '../../memory/misuse.ts';
import type { ReadonlyRegion, Region } from '../../memory/region.ts';
import { Configured } from '../../memory/configured.ts';
import { BufferReader, BufferWriter } from '../../queues/net/buffer-view.ts';
import { closeNetEnd, type NetEnd, openNetEnd } from '../../queues/net/net-end.ts';
import {
  fillFreeQueue,
  NET_BUFFER_BYTES,
  NetConsumer,
  NetProducer,
} from '../../queues/net/queue.ts';
import { parseIpv4, parseMac, swap16 } from '../../queues/net/wire.ts';
import type { Side } from './access-list.ts';
import type { RouterNetwork } from './config.ts';
import { Neighbours } from './neighbours.ts';

const BUFFER_SHIFT = 11;
const BUFFER_BYTES = NET_BUFFER_BYTES;

/** Where memory comes from: a protection domain, as far as a port needs it. */
export interface Memory {
  region(name: string): Region;
  readonlyRegion(name: string): ReadonlyRegion;
}

export interface PortOptions {
  readonly side: Side;
  readonly network: RouterNetwork;
  readonly prefix: number;
  readonly memory: Memory;
}

export type Taken = 'frame' | 'bad buffer' | 'nothing';

export class Port extends Configured<PortOptions> {
  readonly side: Side = this.options.side;
  readonly neighbours = new Neighbours();
  /** Halfwords as memory holds them. */
  readonly mac: readonly [number, number, number] = macOf(this.options.network.mac);
  /** Addresses as signed words in the order of the host. */
  readonly ip: number = ipOf(this.options.network.ip);
  readonly #mask: number = -1 << (32 - this.options.prefix);
  readonly received: ReadonlyRegion = this.#regionOfReceived();
  readonly sent: Region = this.options.memory.region(this.options.network.txData.region);
  readonly reader = new BufferReader(this.received, this.options.network.rxData.buffers);
  /** Of what is to be sent. */
  readonly readBack = new BufferReader(this.sent, this.options.network.txData.buffers);
  readonly writer = new BufferWriter(this.sent, this.options.network.txData.buffers);
  readonly #rxActive = this.#consumer('rx', 'activeQueue');
  readonly #rxFree = this.#producer('rx', 'freeQueue');
  readonly #txActive = this.#producer('tx', 'activeQueue');
  readonly #txFree = this.#consumer('tx', 'freeQueue');
  readonly #rxEnd: NetEnd = {
    connection: this.options.network.rx,
    out: this.#rxFree,
    in: this.#rxActive,
  };
  readonly #txEnd: NetEnd = {
    connection: this.options.network.tx,
    out: this.#txActive,
    in: this.#txFree,
  };
  readonly #rxBytes: number = this.options.network.rxData.buffers * NET_BUFFER_BYTES;
  readonly #txBytes: number = this.options.network.txData.buffers * NET_BUFFER_BYTES;
  /** Of the frame that has been taken: its buffer's index, and its bytes. */
  from = 0;
  lenBytes = 0;
  #low = 0;
  #high = 0;
  /** Transmit buffers that were taken and not sent. */
  readonly #kept: number[] = [];

  /** @param abandoned channels whose other end is down while we start */
  constructor(options: PortOptions, abandoned: readonly number[] = []) {
    super(options);
    for (const channel of abandoned) if (this.has(channel)) this.close(channel);
    this.#fillTxFree();
  }

  /** Whether a channel is one of this network's. */
  has(channel: number): boolean {
    return channel === this.rxChannel || channel === this.txChannel;
  }

  /**
   * The other end is down. Of frames to send, those that have left us are lost; packets that wait
   * for somebody's address lie in buffers that are put back with all others, so they are, too.
   *
   * @returns packets that waited
   */
  close(channel: number): number {
    closeNetEnd(this.options.memory, this.#endOf(channel));
    if (channel !== this.txChannel) return 0;
    this.#kept.length = 0;
    this.#fillTxFree();
    return this.neighbours.dropHeld();
  }

  open(channel: number): void {
    openNetEnd(this.#endOf(channel));
  }

  #endOf(channel: number): NetEnd {
    return channel === this.txChannel ? this.#txEnd : this.#rxEnd;
  }

  /** Our own buffers begin in our transmit free queue. */
  #fillTxFree(): void {
    const { tx, txData } = this.options.network;
    const free = new NetProducer(this.options.memory.region(tx.freeQueue), tx.capacity);
    fillFreeQueue(free, txData.buffers, 0);
    free.publish();
    this.#txFree.cancelSignal();
  }

  get rxChannel(): number {
    return this.options.network.rx.channel;
  }

  get txChannel(): number {
    return this.options.network.tx.channel;
  }

  /** Whether an address is one of this network. */
  holds(ip: number): boolean {
    return (ip & this.#mask) === (this.ip & this.#mask);
  }

  /** Whether it is the network's own address, or that of all in it. */
  isForAll(ip: number): boolean {
    return (ip & ~this.#mask) === 0 || (ip | this.#mask) === -1;
  }

  hasFrames(): boolean {
    return this.#rxActive.hasItems();
  }

  requestSignal(): void {
    this.#rxActive.requestSignal();
  }

  cancelSignal(): void {
    this.#rxActive.cancelSignal();
  }

  /** Takes the next frame that has come; {@link giveBack} returns its buffer. */
  take(): Taken {
    const active = this.#rxActive;
    if (!active.dequeue()) return 'nothing';
    const { low, high, len } = active;
    if (!isBuffer(low, this.#rxBytes) || len > BUFFER_BYTES) return 'bad buffer';
    this.#low = low;
    this.#high = high;
    this.from = low >> BUFFER_SHIFT;
    this.lenBytes = len;
    this.reader.moveTo(this.from);
    return 'frame';
  }

  giveBack(): 'done' | 'queue full' {
    return this.#rxFree.enqueue(this.#low, this.#high, 0, 0) ? 'done' : 'queue full';
  }

  /**
   * @returns index of an empty transmit buffer, -1 when there is none, -2 for an entry that is none
   */
  takeTx(): number {
    const kept = this.#kept.pop();
    if (kept !== undefined) return kept;
    const free = this.#txFree;
    if (!free.dequeue()) return -1;
    return isBuffer(free.low, this.#txBytes) ? free.low >> BUFFER_SHIFT : -2;
  }

  /** Keeps a buffer that was taken, for the next frame. */
  keepTx(index: number): void {
    this.#kept.push(index);
  }

  /** Sends what lies in a transmit buffer. */
  send(index: number, lenBytes: number): 'done' | 'queue full' {
    const isQueued = this.#txActive.enqueue(index << BUFFER_SHIFT, 0, lenBytes, 0);
    return isQueued ? 'done' : 'queue full';
  }

  /** Tells the others what has been taken; @returns whom to notify. */
  publishRx(): boolean {
    this.#rxActive.publish();
    this.#txFree.publish();
    return this.#rxFree.publish();
  }

  publishTx(): boolean {
    return this.#txActive.publish();
  }

  #regionOfReceived(): ReadonlyRegion {
    const { rxData } = this.options.network;
    demand(rxData.paddrSymbol === undefined, 'a router has virtualisers on both sides');
    return this.options.memory.readonlyRegion(rxData.region);
  }

  #consumer(way: 'rx' | 'tx', queue: 'freeQueue' | 'activeQueue'): NetConsumer {
    const connection = this.options.network[way];
    return new NetConsumer(this.options.memory.region(connection[queue]), connection.capacity);
  }

  #producer(way: 'rx' | 'tx', queue: 'freeQueue' | 'activeQueue'): NetProducer {
    const connection = this.options.network[way];
    return new NetProducer(this.options.memory.region(connection[queue]), connection.capacity);
  }
}

function isBuffer(offset: number, dataBytes: number): boolean {
  return offset >= 0 && offset < dataBytes && (offset & (BUFFER_BYTES - 1)) === 0;
}

function macOf(text: string): readonly [number, number, number] {
  const mac = parseMac(text);
  demand(mac !== undefined, `'${text}' is no MAC address`);
  return mac;
}

function ipOf(text: string): number {
  const halves = parseIpv4(text);
  demand(halves !== undefined, `'${text}' is no IPv4 address`);
  return (swap16(halves[0]) << 16) | swap16(halves[1]);
}
