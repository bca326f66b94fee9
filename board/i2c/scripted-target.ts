/**
 * A target that does as a test says: which bytes it acknowledges, how long it holds the clock, what
 * it answers. It writes down what it was told.
 *
 *     const target = new ScriptedTarget({ address: 0x20, acknowledge: (n) => n < 3, answer: () => 7 });
 */

import type { I2cTarget } from './i2c-bus.ts';

export interface ScriptedTargetOptions {
  readonly address: number;
  readonly name?: string;
  readonly speedMax?: number;
  /**
   * Whether it acknowledges a byte; always unless told.
   *
   * @param byteNumber 0 is the address, then the bytes of the transaction
   */
  readonly acknowledge?: (byteNumber: number) => boolean;
  /** What it sends, from 0 at each start condition; 0xff unless told. */
  readonly answer?: (byteNumber: number) => number;
  /** How long it holds SCL low after a byte, in nanoseconds; 0 unless told. */
  readonly stretchNs?: (byteNumber: number) => number;
}

/** What a target saw: conditions, and the bytes that were written to it. */
export type Seen = 'start read' | 'start write' | 'stop' | number;

export class ScriptedTarget implements I2cTarget {
  readonly name: string;
  readonly address: number;
  readonly speedMax: number;
  readonly seen: Seen[] = [];
  readonly #options: ScriptedTargetOptions;
  #byteNumber = 0;
  #answers = 0;

  constructor(options: ScriptedTargetOptions) {
    this.#options = options;
    this.address = options.address;
    this.name = options.name ?? 'scripted';
    this.speedMax = options.speedMax ?? 1_000_000;
  }

  start(way: 'read' | 'write'): boolean {
    this.seen.push(way === 'read' ? 'start read' : 'start write');
    this.#byteNumber = 0;
    this.#answers = 0;
    return this.#acknowledges();
  }

  write(byte: number): boolean {
    this.seen.push(byte);
    this.#byteNumber += 1;
    return this.#acknowledges();
  }

  read(): number {
    this.#byteNumber += 1;
    const byte = this.#options.answer?.(this.#answers) ?? 0xff;
    this.#answers += 1;
    return byte;
  }

  stop(): void {
    this.seen.push('stop');
  }

  stretchNs(): number {
    return this.#options.stretchNs?.(this.#byteNumber) ?? 0;
  }

  snapshot(): Record<string, unknown> {
    return { seen: this.seen.length };
  }

  #acknowledges(): boolean {
    return this.#options.acknowledge?.(this.#byteNumber) ?? true;
  }
}
