/**
 * The serial line on the terminal that the program was started from: raw, so that every key reaches
 * the board. Ctrl-] ends the run. The terminal is put back as it was on every way out.
 *
 * When standard input is not a terminal it is read as it is, and the run may end when it is over.
 */

import type { ReadStream } from 'node:tty';
import { raise } from '../raise.ts';
import type { SerialBridge } from './bridge.ts';
import type { HostLine } from './host-line.ts';
import { offerFrom, pumpOutput } from './stream-pump.ts';

/** Ctrl-] */
const QUIT_CHARACTER = 0x1d;

export interface StdioBridgeOptions {
  readonly host: HostLine;
  /** Ctrl-] has been typed. */
  readonly onQuit: () => void;
  /** The process's own streams unless told. */
  readonly input?: ReadStream | NodeJS.ReadStream;
  readonly output?: NodeJS.WriteStream | NodeJS.WritableStream;
}

/** Signals that end a program; the terminal has to be put back before each of them does. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

export class StdioBridge implements SerialBridge {
  readonly #host: HostLine;
  readonly #input: NodeJS.ReadStream;
  readonly #output: NodeJS.WriteStream;
  readonly #onQuit: () => void;
  #ended = false;
  #raw = false;
  readonly #restore = (): void => {
    if (this.#raw) this.#input.setRawMode(false);
    this.#raw = false;
  };
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.#restore();
    // Whoever else listens ends the program in an orderly way; otherwise the signal does, now that
    // we no longer listen.
    process.removeListener(signal, this.#onSignal);
    if (process.listenerCount(signal) === 0) raise(signal);
  };
  readonly #onData = (bytes: Buffer): void => this.#received(bytes);
  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#host.wake();
  };

  constructor(options: StdioBridgeOptions) {
    this.#host = options.host;
    this.#onQuit = options.onQuit;
    this.#input = (options.input ?? process.stdin) as NodeJS.ReadStream;
    this.#output = (options.output ?? process.stdout) as NodeJS.WriteStream;
    if (this.#input.isTTY) {
      this.#input.setRawMode(true);
      this.#raw = true;
      process.on('exit', this.#restore);
      for (const signal of SIGNALS) process.on(signal, this.#onSignal);
    }
    this.#host.listen({ roomForInput: () => this.#input.resume() });
    this.#input.on('data', this.#onData);
    this.#input.on('end', this.#onEnd);
    // A reader that has gone, such as `head`, is the end of the run, not a crash.
    this.#output.on('error', this.#onOutputError);
  }

  readonly #onOutputError = (): void => this.#onQuit();

  get description(): string {
    return this.#raw ? 'serial: this terminal; Ctrl-] quits' : 'serial: standard input';
  }

  get inputOver(): boolean {
    return this.#ended && this.#host.inputWaits === 'no' && this.#lineIsQuiet();
  }

  flush(): void {
    this.#host.flush();
    pumpOutput(this.#host, this.#output);
  }

  async close(): Promise<void> {
    this.flush();
    this.#restore();
    process.removeListener('exit', this.#restore);
    for (const signal of SIGNALS) process.removeListener(signal, this.#onSignal);
    this.#input.removeListener('data', this.#onData);
    this.#input.removeListener('end', this.#onEnd);
    this.#output.removeListener('error', this.#onOutputError);
    this.#input.pause();
    this.#host.unplug();
    await Promise.resolve();
  }

  counters(): Record<string, number> {
    return this.#host.counters();
  }

  #lineIsQuiet(): boolean {
    return this.#host.line.inputLength() === 0 && this.#host.line.outputLength() === 0;
  }

  #received(bytes: Buffer): void {
    const quitAt = this.#raw ? bytes.indexOf(QUIT_CHARACTER) : -1;
    offerFrom(this.#host, this.#input, quitAt < 0 ? bytes : bytes.subarray(0, quitAt));
    if (quitAt >= 0) this.#onQuit();
  }
}
