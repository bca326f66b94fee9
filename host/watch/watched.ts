/**
 * A run that somebody watches from another thread (`watchman.mjs`): the engine's side. It leaves
 * its traces in memory that both threads have, and answers when it is stopped where it stands and
 * asked.
 */

import { Worker } from 'node:worker_threads';
import { every, type HostTimer } from '../event-loop.ts';

/** Words that both threads have. The first is the kernel's: the entry of the program that runs. */
const BEAT = 2;
const ASKED = 3;
const WORDS = 4;
const BEAT_MS = 50;
const SUMMARY_MS = 1000;
const HOOK = 'sddf.watched';
const PACKAGE = new URL('../../', import.meta.url);

/** A summary that is printed for a run that cannot print it itself. */
export interface Summary {
  readonly text: string;
  /** 1 or 2. */
  readonly stream: number;
  /** Who is under way. */
  readonly domain: string | undefined;
}

/** Called in the middle of whatever the engine does: it changes nothing. */
export interface WatchHook {
  /**
   * @returns JSON of the domain whose entry point has been under way the longest, and which call of
   * it that is; or whose promise or timer runs; and of the {@link Summary} as of now
   */
  where(): string;
  /** @returns JSON of a {@link Summary} */
  summary(ending: string): string;
}

export interface WatchedRun {
  /** Domains by the entry of their program. */
  readonly names: Readonly<Record<number, string>>;
  readonly clock: 'virtual' | 'host';
}

export class Watched {
  readonly #words = new Int32Array(new SharedArrayBuffer(4 * WORDS));
  readonly #worker: Worker;
  readonly #beat: HostTimer;
  #summaries: HostTimer | undefined;

  /** @returns undefined when no supervisor has started this process */
  static fromEnvironment(onEnd: () => void): Watched | undefined {
    const line = process.env['SDDF_WATCHED'];
    delete process.env['SDDF_WATCHED'];
    return line === undefined ? undefined : new Watched(Number(line), onEnd);
  }

  private constructor(line: number, onEnd: () => void) {
    this.#worker = new Worker(new URL('./watchman.mjs', import.meta.url), {
      workerData: { words: this.#words, line, hook: HOOK, own: PACKAGE.href },
      execArgv: [],
    });
    this.#worker.on('message', onEnd);
    this.#worker.unref();
    this.#beat = every(BEAT_MS, () => Atomics.add(this.#words, BEAT, 1));
  }

  /** Where the kernel says which program runs. */
  get runningEntry(): Int32Array {
    return this.#words.subarray(0, BEAT);
  }

  /** The run stands still on purpose, and goes on. */
  beat(): void {
    Atomics.add(this.#words, BEAT, 1);
  }

  get isAsked(): boolean {
    return Atomics.load(this.#words, ASKED) !== 0;
  }

  /** From now on the watchman knows whom to name, and whom to ask. */
  begin(run: WatchedRun, hook: WatchHook): void {
    Object.defineProperty(globalThis, HOOK, { value: hook, configurable: true });
    this.#worker.postMessage({ kind: 'run', run });
    this.#summaries = every(SUMMARY_MS, () => {
      const summary: unknown = JSON.parse(hook.summary('interrupted'));
      this.#worker.postMessage({ kind: 'summary', summary });
    });
  }

  /** @param call a call of the host that a program is about to make; undefined: it is back */
  inHostCall(call: string | undefined): void {
    this.#worker.postMessage({ kind: 'call', call });
  }

  /** @param untilMs when the run is to be over, as `Date.now()` counts */
  endsAt(untilMs: number): void {
    this.#worker.postMessage({ kind: 'end', untilMs });
  }

  async end(): Promise<void> {
    this.#summaries?.cancel();
    this.#beat.cancel();
    Reflect.deleteProperty(globalThis, HOOK);
    // Awaited: Node would wait for a debugger that is still there, and say so.
    await this.#worker.terminate();
  }
}
