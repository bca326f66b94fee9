/**
 * The whole echo system under the host clock with the generator at its NIC: kernel, board, driver, virtualisers, copiers,
 * clients. A batch is what is in flight: as many frames go in together, and the next ones when all have come back.
 */

import { TrafficGenerator } from '../board/links/generator.ts';
import type { Station } from '../board/links/udp-frame.ts';
import { hostNow } from '../host/event-loop.ts';
import { echo } from '../systems/echo.ts';
import { completeChoices } from '../systems/system.ts';
import { createTestbed, type RunCounters, type Testbed } from '../systems/testbed.ts';

export interface NetRigOptions {
  readonly path: string;
  /** Bytes of a frame, without its check sequence. */
  readonly frame: number;
  readonly batch: number;
}

const RAM_BYTES = 64 * 1024 * 1024;
const SLICE_NS = 2_000_000;
const TARGET: Station = {
  mac: Uint8Array.of(0x52, 0x54, 0x01, 0, 0, 0x0a),
  ip: 0x0a00_020f,
  port: 1235,
};
const SOURCE: Station = {
  mac: Uint8Array.of(0x52, 0x54, 0, 0, 0, 0x63),
  ip: 0x0a00_0263,
  port: 40_000,
};

export class NetRig {
  readonly testbed: Testbed;
  readonly generator: TrafficGenerator;

  constructor(options: NetRigOptions) {
    const built = echo.build(completeChoices(echo, { path: options.path }));
    if (!built.ok) throw new Error(built.errors.map((error) => error.message).join('\n'));
    const { frame, batch } = options;
    let generator: TrafficGenerator | undefined;
    this.testbed = createTestbed({
      system: built.system,
      clock: 'host',
      ramBytes: RAM_BYTES,
      ...(echo.counters === undefined ? {} : { counters: echo.counters }),
      wires: ({ ram, board, random }) => {
        generator = new TrafficGenerator({
          ram,
          clock: board.clock,
          random,
          source: SOURCE,
          targets: [TARGET],
          frameBytes: frame,
          window: batch,
          burst: batch,
        });
        return { net: generator };
      },
    });
    if (generator === undefined) throw new Error('the testbed has not asked for its wires');
    this.generator = generator;
    generator.start();
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
    while (counters.answered < target) this.testbed.runSlice(SLICE_NS);
    return hostNow() - startedAt;
  }

  /** Runs for about this long. @returns packets answered per second */
  rate(durationNs: number): number {
    const { counters } = this.generator;
    const before = counters.answered;
    const startedAt = hostNow();
    const endAt = startedAt + durationNs;
    let now = startedAt;
    while (now < endAt) {
      this.testbed.runSlice(SLICE_NS);
      now = hostNow();
    }
    return ((counters.answered - before) * 1e9) / (now - startedAt);
  }

  counters(): RunCounters {
    return this.testbed.counters();
  }
}
