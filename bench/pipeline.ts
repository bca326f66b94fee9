/**
 * What does the data path cost by itself? The real programs, NIC model and traffic generator,
 * without the kernel: the difference to `sddf bench net` is what protection and scheduling cost.
 * Run it directly:
 *
 *     node --import tsx/esm bench/pipeline.ts [frame] [batch] [path] [milliseconds]
 */

import { pathToFileURL } from 'node:url';
import { RangedDmaWindow } from '../board/dma.ts';
import { HostClock } from '../board/host-clock.ts';
import { LintLog } from '../board/lint.ts';
import { TrafficGenerator } from '../board/links/generator.ts';
import { Random } from '../board/random.ts';
import { LiveTurns } from '../board/turns.ts';
import { VirtioNet } from '../board/virtio/net.ts';
import { hostNow } from '../host/host-time.ts';
import { type BareEcho, bareEcho, type EchoPath, IRQ } from '../test/support/bare-echo.ts';

export interface PipelineOptions {
  /** Bytes of a frame, without its check sequence. */
  readonly frame: number;
  /** Frames in flight: as many go in together, and the next ones when all have come back. */
  readonly batch: number;
  readonly path: EchoPath;
}

/** The data path, ready to run. */
export class Pipeline {
  readonly generator: TrafficGenerator;
  readonly echo: BareEcho;
  readonly #turns = new LiveTurns();
  readonly #clock = new HostClock(hostNow);
  #irqLevel: 'low' | 'high' = 'low';

  constructor(options: PipelineOptions) {
    const made: { generator?: TrafficGenerator; raise?: () => void } = {};
    this.echo = bareEcho({
      path: options.path,
      clients: 2,
      device: (system) => {
        const { ram } = system;
        const generator = new TrafficGenerator({
          ram,
          clock: this.#clock,
          random: new Random(1),
          source: { mac: Uint8Array.of(2, 0, 0, 0, 0, 1), ip: 0x0a00_0263, port: 40_000 },
          targets: [
            { mac: Uint8Array.of(0x52, 0x54, 0x01, 0, 0, 0x0a), ip: 0x0a00_020f, port: 1235 },
          ],
          frameBytes: options.frame,
          window: options.batch,
          burst: options.batch,
        });
        made.generator = generator;
        const nic = new VirtioNet({
          name: 'nic',
          wire: generator,
          ram,
          dma: new RangedDmaWindow(ram, [{ paddr: ram.base, sizeBytes: ram.sizeBytes }]),
          irqLine: {
            raise: () => {
              this.#irqLevel = 'high';
            },
            lower: () => {
              this.#irqLevel = 'low';
            },
          },
          lint: new LintLog(),
          turns: this.#turns,
          mac: Uint8Array.of(0x52, 0x54, 0, 0, 0, 0x01),
        });
        return nic.transport;
      },
    });
    if (made.generator === undefined) throw new Error('the device has not been made');
    this.generator = made.generator;
    this.generator.start();
  }

  /** One turn of the board, and all that the programs make of it. */
  turn(): void {
    this.#clock.fireDue();
    this.#turns.work();
    if (this.#irqLevel === 'high') this.echo.driver.raise(IRQ);
    this.echo.system.run();
  }

  /** Runs for about this long. */
  run(durationNs: number): PipelineRate {
    const { counters } = this.generator;
    const before = counters.answered;
    const startedAt = hostNow();
    let now = startedAt;
    let best = Infinity;
    while (now < startedAt + durationNs) {
      const answeredBefore = counters.answered;
      const windowAt = now;
      for (let turn = 0; turn < TURNS_PER_WINDOW; turn += 1) this.turn();
      now = hostNow();
      best = Math.min(best, (now - windowAt) / (counters.answered - answeredBefore));
    }
    return { mean: (now - startedAt) / (counters.answered - before), best };
  }
}

/** Nanoseconds for each packet. */
export interface PipelineRate {
  readonly mean: number;
  /**
   * Of the fastest window of {@link TURNS_PER_WINDOW} turns: what it takes when nothing else uses
   * the machine.
   */
  readonly best: number;
}

const TURNS_PER_WINDOW = 16;

function main(args: readonly string[]): void {
  const [frame = '64', batch = '64', path = '5pd', milliseconds = '500'] = args;
  const pipeline = new Pipeline({
    frame: Number(frame),
    batch: Number(batch),
    path: path as EchoPath,
  });
  pipeline.run(Number(milliseconds) * 1e6);
  const packetsBefore = pipeline.generator.counters.answered;
  const { activations, notifications } = pipeline.echo.system;
  const { mean, best } = pipeline.run(Number(milliseconds) * 1e6);
  const packets = pipeline.generator.counters.answered - packetsBefore;
  const per = (count: number): string => (count / packets).toFixed(2);
  console.log(
    `${path}: frames of ${frame}, batch ${batch}: ${mean.toFixed(0)} ns a packet, ` +
      `${best.toFixed(0)} at best, ` +
      `${per(pipeline.echo.system.activations - activations)} activations, ` +
      `${per(pipeline.echo.system.notifications - notifications)} notifications`,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv.slice(2));
