/**
 * Protection domains without a kernel: the real programs, wired directly to each other. For unit
 * tests of programs, and to measure the data path by itself.
 *
 * `notify` of a domain with a higher priority runs it at once, nested, as the kernel does; else it
 * is marked and runs when `run` gets to it, highest priority first. There is no protection here and
 * there are no budgets.
 */

import { assert } from '../../memory/assert.ts';
import { type Batches, Ram } from '../../memory/ram.ts';
import { DeviceRegion, type MmioDevice, type ReadonlyRegion, Region } from '../../memory/region.ts';
import type {
  Channel,
  EntryPoints,
  MessageInfo,
  Program,
  ProtectionDomain,
} from '../../microkit/pd.ts';

const PAGE_BYTES = 4096;
const CHANNELS = 62;

export class BareSystem {
  readonly ram: Ram;
  readonly domains: BarePd[] = [];
  /** Notifications since the beginning, interrupts not among them. */
  notifications = 0;
  /** Times that a domain's `notified` has run. */
  activations = 0;
  /** Highest first. */
  #byPriority: BarePd[] = [];
  readonly #regions = new Map<string, { readonly at: number; readonly sizeBytes: number }>();
  #next = PAGE_BYTES;
  running: BarePd | undefined;

  constructor(options: {
    readonly ramBytes: number;
    readonly stagingBytes?: number;
    readonly batches?: Batches;
  }) {
    this.ram = new Ram({
      sizeBytes: options.ramBytes,
      stagingBytes: options.stagingBytes ?? 0,
      batches: options.batches ?? 'wasm',
    });
  }

  /** All memory that regions have. */
  get memory(): Uint8Array {
    return this.ram.u8.subarray(0, this.#next);
  }

  /** Makes a memory region, page-aligned and zeroed. */
  addRegion(name: string, sizeBytes: number): void {
    const rounded = Math.ceil(sizeBytes / PAGE_BYTES) * PAGE_BYTES;
    assert(this.#next + rounded <= this.ram.sizeBytes, 'RAM is large enough');
    this.#regions.set(name, { at: this.#next, sizeBytes: rounded });
    this.#next += rounded;
  }

  /** @returns the region as a test sees it: all of it, for reading and writing */
  region(name: string): Region {
    const found = this.#regions.get(name);
    assert(found !== undefined, 'the region has been made');
    return new Region({ ram: this.ram, ...found, vaddr: found.at });
  }

  paddr(name: string): number {
    const found = this.#regions.get(name);
    assert(found !== undefined, 'the region has been made');
    return this.ram.base + found.at;
  }

  addPd<Config>(options: PdSpec<Config>): BarePd {
    const pd = new BarePd(this, options as PdSpec<unknown>);
    this.domains.push(pd);
    this.#byPriority = this.domains.toSorted((a, b) => b.priority - a.priority);
    return pd;
  }

  /** Runs every domain's `init`, highest priority first, and then until all is quiet. */
  start(): void {
    for (const pd of this.#byPriority) pd.init();
    this.run();
  }

  /** Runs until no domain has anything pending. */
  run(): void {
    for (;;) {
      const next = this.#byPriority.find((pd) => pd.pending !== 0);
      if (next === undefined) return;
      next.serve();
    }
  }
}

export interface PdSpec<Config> {
  readonly name: string;
  readonly priority: number;
  readonly program: Program<Config>;
  readonly config: Config;
  readonly vars?: Readonly<Record<string, number>>;
  readonly devices?: Readonly<Record<string, MmioDevice>>;
  /** Called when the domain acknowledges its interrupt. */
  readonly onIrqAck?: (channel: Channel) => void;
}

export class BarePd implements ProtectionDomain<unknown> {
  readonly name: string;
  readonly priority: number;
  readonly config: unknown;
  readonly vars: Readonly<Record<string, number>>;
  readonly logged: string[] = [];
  /** Bit i: channel i has been notified. Channels up to 30 here. */
  pending = 0;
  entryPoints: EntryPoints | undefined;
  readonly #system: BareSystem;
  readonly #spec: PdSpec<unknown>;
  readonly #peers: (BarePd | undefined)[] = Array.from({ length: CHANNELS }, () => undefined);
  readonly #peerBits = new Int32Array(CHANNELS);
  readonly #registers = new Float64Array(120);
  #deferred = -1;
  #deferredAck = -1;

  constructor(system: BareSystem, spec: PdSpec<unknown>) {
    this.#system = system;
    this.#spec = spec;
    this.name = spec.name;
    this.priority = spec.priority;
    this.config = spec.config;
    this.vars = spec.vars ?? {};
  }

  connect(channel: Channel, peer: BarePd, peerChannel: Channel): void {
    this.#peers[channel] = peer;
    this.#peerBits[channel] = 1 << peerChannel;
    peer.#peers[peerChannel] = this;
    peer.#peerBits[peerChannel] = 1 << channel;
  }

  init(): void {
    const before = this.#system.running;
    this.#system.running = this;
    this.entryPoints = this.#spec.program(this as unknown as ProtectionDomain<never>);
    this.#finishHandler();
    this.#system.running = before;
  }

  /** Runs `notified` for everything that is pending. */
  serve(): void {
    const entryPoints = this.entryPoints;
    if (entryPoints === undefined) return;
    const before = this.#system.running;
    this.#system.running = this;
    while (this.pending !== 0) {
      const channel = 31 - Math.clz32(this.pending & -this.pending);
      this.pending &= this.pending - 1;
      this.#system.activations += 1;
      entryPoints.notified(channel);
      this.#finishHandler();
    }
    this.#system.running = before;
  }

  /** An interrupt, or a test's own notification. */
  raise(channel: Channel): void {
    this.pending |= 1 << channel;
  }

  notify(channel: Channel): void {
    this.#signal(channel);
  }

  deferredNotify(channel: Channel): void {
    assert(this.#deferred === -1, 'one deferred notification at a time');
    assert(this.#deferredAck === -1, 'one deferred notification at a time');
    this.#deferred = channel;
  }

  irqAck(channel: Channel): void {
    this.#spec.onIrqAck?.(channel);
  }

  deferredIrqAck(channel: Channel): void {
    assert(this.#deferred === -1, 'one deferred notification at a time');
    this.#deferredAck = channel;
  }

  ppcall(channel: Channel, message: MessageInfo): MessageInfo {
    const peer = this.#peers[channel];
    const bit = this.#peerBits[channel] as number;
    assert(peer?.entryPoints?.protected !== undefined, 'the peer can be called');
    peer.#registers.set(this.#registers);
    const reply = peer.entryPoints.protected(31 - Math.clz32(bit), message);
    this.#registers.set(peer.#registers);
    return reply;
  }

  mr(index: number): number {
    return this.#registers[index] as number;
  }

  setMr(index: number, value: number): void {
    this.#registers[index] = value;
  }

  region(name: string): Region {
    return this.#system.region(name);
  }

  readonlyRegion(name: string): ReadonlyRegion {
    return this.#system.region(name);
  }

  deviceRegion(name: string): DeviceRegion {
    const device = this.#spec.devices?.[name];
    assert(device !== undefined, 'the device has been given');
    return new DeviceRegion({ device, sizeBytes: PAGE_BYTES, vaddr: 0 });
  }

  restart(): void {
    assert(false, 'no children here');
  }

  stop(): void {
    assert(false, 'no children here');
  }

  resume(): void {
    assert(false, 'no children here');
  }

  userTcb(): never {
    throw new Error('no capabilities without a kernel');
  }

  log(text: string): void {
    this.logged.push(text);
  }

  #finishHandler(): void {
    if (this.#deferredAck !== -1) {
      const channel = this.#deferredAck;
      this.#deferredAck = -1;
      this.irqAck(channel);
    }
    if (this.#deferred === -1) return;
    const channel = this.#deferred;
    this.#deferred = -1;
    this.#signal(channel);
  }

  #signal(channel: Channel): void {
    const peer = this.#peers[channel];
    assert(peer !== undefined, 'the channel is connected');
    this.#system.notifications += 1;
    peer.pending |= this.#peerBits[channel] as number;
    const current = this.#system.running;
    if (current !== undefined && peer.priority > current.priority) peer.serve();
  }
}
