/**
 * Test support: the echo system for two clients under random traffic, and the ledger: where each
 * buffer is after a step.
 *
 * A buffer is looked for in every place where it can be: the queues' memory, the device, the
 * client. Traffic, order and what the hostile client writes come from a seed. A step and its check
 * take about ten microseconds, so that a million of them can be run: hence places are counts in one
 * integer for each buffer, and no lists of names.
 */

import { type EchoConfig, main as echoProgram } from '../../clients/echo/echo.ts';
import type { Region } from '../../memory/region.ts';
import type { Program } from '../../microkit/pd.ts';
import { type BareEcho, bareEcho, clientIp, clientMac, type EchoPath, IRQ } from './bare-echo.ts';
import { NetPeer } from './net-peer.ts';
import { type Chain, ScriptedNic } from './scripted-nic.ts';
import { udpFrame } from './udp-frame.ts';

export const BUFFERS = 16;
const BUFFER_BYTES = 2048;
/** Where every queue begins, so that its indices soon wrap. */
const START = 65_530;
const QUEUE_HEADER_BYTES = 8;
const ENTRY_BYTES = 16;
const CLIENTS = [0, 1] as const;

/** One of each place in a count of places: eight bits for each. */
const WITH_DEVICE = 1 << 24;
const WITH_DRIVER = 1 << 16;
const WITH_CLIENT = [1, 1 << 8] as const;

type RandomBelow = (below: number) => number;

/** What the hostile client does whenever it runs. */
export type Mischief = (peer: NetPeer, random: RandomBelow) => void;

interface Queue {
  readonly name: string;
  readonly region: Region;
  readonly capacity: number;
}

/** xorshift32: small, and the same everywhere. */
function randomFrom(seed: number): RandomBelow {
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

export class LedgerWorld {
  readonly echo: BareEcho;
  readonly nic: ScriptedNic;
  readonly random: RandomBelow;
  readonly rxChains: Chain[] = [];
  readonly txChains: Chain[] = [];
  /** Marks of client 0's answers that nobody has taken. */
  answers: number[] = [];
  /** Frames that have been received. */
  sent = 0;
  readonly #hostile: number;
  readonly #metadata: Region;
  readonly #driverRx: readonly Queue[];
  readonly #driverTx: readonly Queue[];
  readonly #virtRx: readonly (readonly Queue[])[];
  readonly #virtTx: readonly (readonly Queue[])[];
  /** What each client's copier gives it. */
  readonly #own: readonly (readonly Queue[])[];
  readonly #dmaBase: number;
  readonly #txBases: readonly number[];
  readonly #places = new Int32Array(BUFFERS);

  /** @param hostile index of the client that makes the mischief */
  constructor(path: EchoPath, seed: number, mischief?: Mischief, hostile = 1) {
    const made: { nic?: ScriptedNic } = {};
    this.random = randomFrom(seed);
    this.#hostile = hostile;
    this.echo = bareEcho({
      path,
      clients: CLIENTS.length,
      buffers: BUFFERS,
      startIndex: START,
      device: (system) => (made.nic = new ScriptedNic({ ram: system.ram })),
      clientProgram: (index) =>
        index === hostile && mischief !== undefined ? this.#hostileProgram(mischief) : echoProgram,
    });
    this.nic = made.nic as ScriptedNic;
    const { system } = this.echo;
    this.#metadata = system.region('metadata');
    this.#dmaBase = system.paddr('dma');
    this.#txBases = CLIENTS.map((client) => system.paddr(`tx_data${client}`));
    this.#driverRx = this.#pair('driver_rx');
    this.#driverTx = this.#pair('driver_tx', CLIENTS.length * BUFFERS);
    this.#virtRx = CLIENTS.map((client) => this.#pair(`virt_rx${client}`));
    this.#virtTx = CLIENTS.map((client) => this.#pair(`virt_tx${client}`));
    this.#own = path === '5pd' ? CLIENTS.map((client) => this.#pair(`client${client}`)) : [];
    this.interrupt();
  }

  #hostileProgram(mischief: Mischief): Program<EchoConfig> {
    return (pd) => {
      const peer = new NetPeer(pd);
      return {
        notified: () => {
          mischief(peer, this.random);
          pd.notify(pd.config.net.rx.channel);
          pd.notify(pd.config.net.tx.channel);
        },
      };
    };
  }

  #pair(name: string, capacity = BUFFERS): readonly Queue[] {
    return [`${name}_free`, `${name}_active`].map((queue) => ({
      name: queue,
      region: this.echo.system.region(queue),
      capacity,
    }));
  }

  // Traffic.

  interrupt(): void {
    this.nic.interruptStatus = 1;
    this.echo.driver.raise(IRQ);
    this.echo.system.run();
    this.rxChains.push(...this.nic.rx.takeAll());
    for (const chain of this.nic.tx.takeAll()) {
      this.txChains.push(chain);
      const frame = this.nic.tx.frame(chain);
      const view = new DataView(frame.buffer, frame.byteOffset);
      const fromClient0 = frame[11] === 0x0a && frame[9] === 0 && frame[6] === 0x52;
      if (fromClient0 && frame.length >= 46) this.answers.push(view.getUint32(42));
    }
  }

  /** One random step: a frame arrives, sent frames are finished, or the hostile client runs. */
  step(): void {
    const what = this.random(8);
    if (what < 5) this.receive();
    else if (what < 7) this.finish(1 + this.random(4));
    else this.raiseHostile();
    this.interrupt();
  }

  receive(): void {
    const chain = this.rxChains.splice(this.random(Math.max(1, this.rxChains.length)), 1)[0];
    if (chain === undefined) return;
    const kind = this.random(10);
    const client = kind < 5 ? 0 : 1;
    const mac =
      kind === 8 ? 'ff:ff:ff:ff:ff:ff' : kind === 9 ? '02:00:00:00:00:09' : clientMac(client);
    const payload = new Uint8Array(4 + this.random(200));
    this.sent += 1;
    new DataView(payload.buffer).setUint32(0, this.sent);
    this.nic.rx.receive(chain, udpFrame({ mac, ip: clientIp(client), payload }));
  }

  /** The device has sent some of its frames, in any order. */
  finish(count: number): void {
    for (let i = 0; i < count && this.txChains.length > 0; i += 1) {
      const [chain] = this.txChains.splice(this.random(this.txChains.length), 1);
      this.nic.tx.complete((chain as Chain).head, 0);
    }
  }

  raiseHostile(): void {
    this.echo.clients[this.#hostile]?.raise(1);
  }

  takeAnswers(): number[] {
    const { answers } = this;
    this.answers = [];
    return answers;
  }

  // The ledger. Each of these throws, with what it has found, when it does not hold.

  /**
   * Each DMA buffer is in one place, and the reference count is that of the clients who hold it:
   * none while it is with the driver. Only a broadcast buffer is in two places, which are then
   * different clients' queues.
   */
  checkOneOwnerOrShared(): void {
    const places = this.#dmaPlaces(CLIENTS);
    const [client0, client1] = WITH_CLIENT;
    for (let index = 0; index < BUFFERS; index += 1) {
      const place = places[index] as number;
      const holders =
        place === WITH_DEVICE || place === WITH_DRIVER
          ? 0
          : place === client0 || place === client1
            ? 1
            : place === client0 + client1
              ? 2
              : -1;
      if (holders !== this.#metadata.read8(index)) this.#wrong(index, place);
    }
  }

  /**
   * The same, when client 0 returns DMA buffers itself and its queues hold anything: a buffer that
   * somebody refers to is not with the driver, and every other is, once.
   */
  checkOneOwnerBesidesHostile(): void {
    const places = this.#dmaPlaces([1]);
    const [, client1] = WITH_CLIENT;
    for (let index = 0; index < BUFFERS; index += 1) {
      const place = places[index] as number;
      const held = this.#metadata.read8(index);
      const isRight =
        held === 0
          ? place === WITH_DEVICE || place === WITH_DRIVER
          : held === 1
            ? place === 0 || place === client1
            : held === 2 && place === client1;
      if (!isRight) this.#wrong(index, place);
    }
  }

  /**
   * No transmit buffer of a client is anywhere twice; at most one is missing: the one that the echo
   * client has in hand.
   *
   * @param queues 'without': what a hostile client's queues hold is its own affair, and any number
   * may be missing
   */
  checkTransmit(client: number, queues: 'with' | 'without'): void {
    const counts = new Uint8Array(BUFFERS);
    const physical = this.#txBases[client] as number;
    for (const chain of this.txChains) {
      this.#countTransmit(counts, chain.bufferAt + this.echo.system.ram.base - physical);
    }
    for (const queue of this.#driverTx) this.#countAll(queue, counts, physical);
    if (queues === 'with') {
      for (const queue of this.#virtTx[client] as readonly Queue[])
        this.#countAll(queue, counts, 0);
    }
    const once = counts.reduce((sum, count) => sum + (count === 1 ? 1 : 0), 0);
    const isDouble = counts.some((count) => count > 1);
    if (isDouble || (queues === 'with' && once < BUFFERS - 1)) {
      throw new Error(
        `transmit buffers of client ${client} are in so many places: ${counts.join()}`,
      );
    }
  }

  /** Every buffer into which a client's copier copies is in one of the client's two queues. */
  checkCopied(client: number): void {
    const counts = new Uint8Array(BUFFERS);
    for (const queue of this.#own[client] as readonly Queue[]) this.#countAll(queue, counts, 0);
    if (counts.some((count) => count !== 1)) {
      throw new Error(
        `receive buffers of client ${client} are in so many places: ${counts.join()}`,
      );
    }
  }

  #wrong(index: number, place: number): never {
    const bytes = [place >>> 24, (place >> 16) & 0xff, (place >> 8) & 0xff, place & 0xff];
    throw new Error(
      `buffer ${index}: with device, driver, client 1, client 0 so often: ${bytes.join()}; ` +
        `${this.#metadata.read8(index)} references; after ${this.sent} packets`,
    );
  }

  /** @param clients in whose queues to look, besides the driver's */
  #dmaPlaces(clients: readonly number[]): Int32Array {
    this.#places.fill(0);
    const { base } = this.echo.system.ram;
    for (const chain of this.rxChains) {
      this.#found(chain.bufferAt + base - this.#dmaBase, WITH_DEVICE);
    }
    for (const queue of this.#driverRx) {
      forEntries(queue, (low) => this.#found(low - this.#dmaBase, WITH_DRIVER));
    }
    for (const client of clients) {
      const place = WITH_CLIENT[client] as number;
      for (const queue of this.#virtRx[client] as readonly Queue[]) {
        forEntries(queue, (low) => this.#found(low, place));
      }
    }
    return this.#places;
  }

  #found(offset: number, place: number): void {
    const index = offset / BUFFER_BYTES;
    const before = this.#places[index];
    if (before === undefined) throw new Error(`no buffer begins at ${offset}`);
    this.#places[index] = before + place;
  }

  #countAll(queue: Queue, counts: Uint8Array, base: number): void {
    forEntries(queue, (low) => this.#countTransmit(counts, low - base));
  }

  /** Offsets of other clients' buffers are passed over. */
  #countTransmit(counts: Uint8Array, offset: number): void {
    if (offset < 0 || offset >= BUFFERS * BUFFER_BYTES) return;
    const index = offset / BUFFER_BYTES;
    const before = counts[index];
    if (before === undefined) throw new Error(`no buffer begins at ${offset}`);
    counts[index] = before + 1;
  }
}

/** Calls with the low half of each entry between head and tail. */
function forEntries({ name, region, capacity }: Queue, each: (low: number) => void): void {
  const tail = region.read16(0);
  let count = 0;
  for (let i = region.read16(2); i !== tail; i = (i + 1) & 0xffff) {
    each(region.read32(QUEUE_HEADER_BYTES + ENTRY_BYTES * (i & (capacity - 1))));
    count += 1;
    if (count > capacity) throw new Error(`${name} holds more than fits`);
  }
}
