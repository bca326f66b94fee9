/**
 * The whole echo system with a traffic generator at its NIC: kernel, board, driver, virtualisers,
 * copiers, clients. Closed loop: as many frames as a batch has go in together, and the next ones
 * when all have come back. Open loop (a rate is given): frames come whether answers do or not.
 *
 * Under the host clock it is as fast as this machine; under the virtual clock as fast as a cost
 * table says, and the same on every machine.
 */

import type { GeneratorOptions } from '../board/links/generator-options.ts';
import { TrafficGenerator } from '../board/links/generator.ts';
import type { EthernetWire } from '../board/ethernet.ts';
import type { Station } from '../board/links/udp-frame.ts';
import { inlineWholePaths } from '../host/engine.ts';
import { sleep } from '../host/event-loop.ts';
import { hostNow } from '../host/host-time.ts';
import { assert } from '../memory/assert.ts';
import type { SystemDescription } from '../microkit/model.ts';
import type { Program } from '../microkit/pd.ts';
import type { RunCosts } from '../systems/run-costs.ts';
import { echo } from '../systems/echo.ts';
import { ownPrograms } from '../systems/own-programs.ts';
import { completeChoices } from '../systems/system.ts';
import type { Instrument } from '../systems/trace/observer.ts';
import {
  createTestbed,
  type RunCounters,
  type Testbed,
  type WireParts,
} from '../systems/testbed.ts';
import { imagesOf } from './code/images.ts';
import { type Slice, timeSlice, type Worker } from './slices.ts';

export interface NetRigOptions {
  readonly path: string;
  /** Bytes of a frame, without its check sequence. */
  readonly frame: number;
  /** Closed loop: frames in flight, which go together. Open loop: frames that go together. */
  readonly batch: number;
  /**
   * Open loop: frames per second, how many may be in flight (one more is lost), and how many come;
   * without end unless told.
   */
  readonly open?: { readonly rate: number; readonly window: number; readonly frames?: number };
  /** After this long without an answer a frame is lost; a second unless told. */
  readonly timeoutNs?: number;
  /** Up to 32, up to 29 with copiers; 2 unless told. */
  readonly clients?: number;
  /** To how many of the clients the traffic goes, in turn; 1 unless told. */
  readonly targets?: number;
  /** 'unmeasured' where packets are counted alone, as the C program does; measured unless told. */
  readonly roundTrips?: 'measured' | 'unmeasured';
  /** 'host' unless told. */
  readonly clock?: 'host' | 'virtual';
  readonly costs?: RunCosts;
  /**
   * 'c': driver, virtualisers, copiers and clients are the images of programs/; 'ts' unless told.
   */
  readonly code?: 'c' | 'ts';
  /** What watches the testbed, such as a recording. */
  readonly instrument?: (system: SystemDescription) => Instrument;
  /** Changes the description. */
  readonly change?: (system: SystemDescription) => SystemDescription;
  /** Puts something else between the generator and the NIC. */
  readonly wrap?: (generator: TrafficGenerator, parts: WireParts) => EthernetWire;
}

const RAM_BYTES = 64 * 1024 * 1024;
/** A client's queues and buffers are 2 MiB. */
const RAM_BYTES_MANY_CLIENTS = 192 * 1024 * 1024;
const SLICE_NS = 2_000_000;
const WARM_UP_PAUSES = 20;
const WARM_UP_PAUSE_MS = 10;
const PATIENCE_NS = 300_000_000_000;
const FIRST_CLIENT: Station = {
  mac: Uint8Array.of(0x52, 0x54, 0x01, 0, 0, 0x0a),
  ip: 0x0a00_020f,
  port: 1235,
};
export const SOURCE: Station = {
  mac: Uint8Array.of(0x52, 0x54, 0, 0, 0, 0x63),
  ip: 0x0a00_0263,
  port: 40_000,
};

/** The echo system's client of this index. */
export function clientStation(index: number): Station {
  const mac = FIRST_CLIENT.mac.slice();
  mac[5] = (FIRST_CLIENT.mac[5] ?? 0) + index;
  return { mac, ip: FIRST_CLIENT.ip + index, port: FIRST_CLIENT.port };
}

export class NetRig implements Worker {
  readonly testbed: Testbed;
  readonly generator: TrafficGenerator;
  /** Domains whose program is an image, and bytes of their files. */
  readonly images: number;
  readonly imageBytes: number;

  /**
   * As `sddf run` boots it, each domain with a program of its own: for what is timed, one system in
   * a process.
   */
  static async boot(options: NetRigOptions): Promise<NetRig> {
    const description = describe(options);
    const rig = new NetRig(options, description, await ownPrograms(description));
    inlineWholePaths();
    return rig;
  }

  constructor(
    options: NetRigOptions,
    description: SystemDescription = describe(options),
    programs: ReadonlyMap<string, Program> = new Map(),
  ) {
    const { clients = 2, clock = 'host' } = options;
    let generator: TrafficGenerator | undefined;
    const images = imagesOf(description);
    this.images = images.size;
    this.imageBytes = [...images.values()].reduce((sum, { image }) => sum + image.file.length, 0);
    this.testbed = createTestbed({
      system: description,
      programs,
      images,
      clock,
      ramBytes: clients > 8 ? RAM_BYTES_MANY_CLIENTS : RAM_BYTES,
      ...(echo.counters === undefined ? {} : { counters: echo.counters }),
      ...(options.costs === undefined ? {} : { costs: options.costs }),
      ...(options.instrument === undefined ? {} : { instrument: options.instrument(description) }),
      wires: (parts) => {
        generator = new TrafficGenerator(traffic(options, parts));
        return { net: options.wrap?.(generator, parts) ?? generator };
      },
    });
    if (generator === undefined) throw new Error('the testbed has not asked for its wires');
    this.generator = generator;
    // Virtual time: every domain has asked for signals before the first frame comes, as on a
    // machine that has booted.
    if (clock === 'virtual') this.testbed.settle();
    generator.start();
  }

  /**
   * Who checks the checksums of UDP: the device vouches for them (GUEST_CSUM), or the client has to
   * look.
   */
  get checksums(): 'device' | 'client' {
    return this.testbed.wires.net?.checksums === 'right' ? 'device' : 'client';
  }

  /**
   * Runs until this many more packets have been answered.
   *
   * @returns nanoseconds that it took
   */
  run(packets: number): number {
    const { counters } = this.generator;
    const target = counters.answered + packets;
    const startedAt = hostNow();
    while (counters.answered < target) {
      this.testbed.runSlice(SLICE_NS);
      assertPatience(startedAt, hostNow());
    }
    return hostNow() - startedAt;
  }

  /**
   * Runs until this many more packets have been answered, with pauses. The engine compiles on
   * threads of its own: where they get no processor beside this one (real-time priority, one core),
   * it would interpret for as long as nobody waits.
   */
  async warmUp(packets: number): Promise<void> {
    for (let pause = 0; pause < WARM_UP_PAUSES; pause += 1) {
      this.run(Math.ceil(packets / WARM_UP_PAUSES));
      await sleep(WARM_UP_PAUSE_MS);
    }
  }

  /**
   * Runs for about this long, and until a packet has been answered.
   * @returns packets answered per second
   */
  rate(durationNs: number): number {
    const { counters } = this.generator;
    const before = counters.answered;
    let took = this.runFor(durationNs);
    while (counters.answered === before) {
      took += this.runFor(durationNs);
      assertPatience(0, took);
    }
    return ((counters.answered - before) * 1e9) / took;
  }

  /** Under the host clock. */
  slice(sliceNs: number): Promise<Slice> {
    const { counters } = this.generator;
    return timeSlice(
      sliceNs,
      (ns) => this.runFor(ns),
      () => counters.answered,
    );
  }

  /** Runs for about this long by its own clock. @returns nanoseconds that it took */
  runFor(durationNs: number): number {
    const { testbed } = this;
    if (testbed.board.clock.kind === 'virtual') {
      const startedAt = testbed.now();
      testbed.runUntil(startedAt + durationNs);
      return testbed.now() - startedAt;
    }
    const startedAt = hostNow();
    const endAt = startedAt + durationNs;
    let now = startedAt;
    while (now < endAt) {
      testbed.runSlice(SLICE_NS);
      now = hostNow();
    }
    return now - startedAt;
  }

  counters(): RunCounters {
    return this.testbed.counters();
  }
}

function describe({ path, clients = 2, code = 'ts', change }: NetRigOptions): SystemDescription {
  const choices = { ...completeChoices(echo, { path, code }), clients: String(clients) };
  const built = echo.build(choices);
  if (!built.ok) throw new Error(built.errors.map((error) => error.message).join('\n'));
  return change === undefined ? built.system : change(built.system);
}

/** A rig that has stopped answering is our bug, and must not hang whoever measures. */
function assertPatience(sinceNs: number, nowNs: number): void {
  assert(nowNs - sinceNs < PATIENCE_NS, 'the echo system answers');
}

function traffic(options: NetRigOptions, { ram, board, random }: WireParts): GeneratorOptions {
  const { frame, batch, open, targets = 1, timeoutNs, roundTrips = 'measured' } = options;
  return {
    ram,
    clock: board.clock,
    random,
    source: SOURCE,
    targets: Array.from({ length: targets }, (_, index) => clientStation(index)),
    frameBytes: frame,
    window: open?.window ?? batch,
    burst: batch,
    roundTrips,
    ...(open === undefined ? {} : { rate: open.rate }),
    ...(open?.frames === undefined ? {} : { frames: open.frames }),
    ...(timeoutNs === undefined ? {} : { timeoutNs }),
  };
}
