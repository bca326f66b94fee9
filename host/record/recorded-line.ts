/**
 * A serial line as bridges have it while what they do to it is recorded. It outlives worlds: each
 * has a line of its own behind it.
 */

import type { LineFormat } from '../../board/serial-wire.ts';
import type { LineCounters, LineFarEnd, SerialLine } from '../../board/uart/serial-line.ts';
import type { FarLine } from '../serial/host-line.ts';
import type { OutsideRecord } from './outside-record.ts';

const LENGTH_BYTES = 4;

export class RecordedLine implements FarLine, LineFarEnd {
  readonly #record: OutsideRecord;
  readonly #sent: number;
  readonly #taken: number;
  readonly #length = new DataView(new ArrayBuffer(LENGTH_BYTES));
  #line: SerialLine;
  #far: LineFarEnd | undefined;

  constructor(record: OutsideRecord, line: SerialLine) {
    this.#record = record;
    this.#line = line;
    this.#sent = record.register((bytes) => this.#line.send(bytes));
    this.#taken = record.register((bytes) => {
      const lengthBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
      this.#line.takeOutput(new Uint8Array(lengthBytes));
    });
  }

  /** Of a world that is made anew. */
  renew(line: SerialLine): void {
    this.#line = line;
    line.setFarEnd(this.#far === undefined ? undefined : this);
  }

  get counters(): LineCounters {
    return this.#line.counters;
  }

  get format(): LineFormat {
    return this.#line.format;
  }

  get farFormat(): LineFormat {
    return this.#line.farFormat;
  }

  get outputs(): number {
    return this.#line.outputs;
  }

  inputs(): number {
    return this.#line.inputs();
  }

  inputLength(): number {
    return this.#line.inputLength();
  }

  setFarEnd(far: LineFarEnd | undefined): void {
    this.#far = far;
    this.#line.setFarEnd(far === undefined ? undefined : this);
  }

  outputLength(): number {
    return this.#record.isReplaying ? 0 : this.#line.outputLength();
  }

  takeOutput(into: Uint8Array): number {
    if (this.#record.isReplaying) return 0;
    const taken = this.#line.takeOutput(into);
    this.#length.setUint32(0, taken, true);
    if (taken > 0) this.#record.note(this.#taken, new Uint8Array(this.#length.buffer));
    return taken;
  }

  send(bytes: Uint8Array): number {
    if (this.#record.isReplaying) return 0;
    const taken = this.#line.send(bytes);
    // That something was not taken is remembered by the line: a byte of it is sent again, too.
    this.#record.note(this.#sent, bytes.subarray(0, taken + 1));
    return taken;
  }

  // What follows is seldom.

  purgeInput(): number {
    const length = this.#record.isReplaying ? 0 : this.#line.inputLength();
    this.#record.perform(() => this.#line.purgeInput());
    return length;
  }

  purgeOutput(): void {
    this.#record.perform(() => this.#line.purgeOutput());
  }

  sendBreak(level: 'mark' | 'space'): void {
    this.#record.perform(() => this.#line.sendBreak(level));
  }

  pulseBreak(durationNs: number): void {
    this.#record.perform(() => this.#line.pulseBreak(durationNs));
  }

  setInputs(inputs: number): void {
    this.#record.perform(() => this.#line.setInputs(inputs));
  }

  setFarFormat(format: LineFormat | undefined): void {
    this.#record.perform(() => this.#line.setFarFormat(format));
  }

  // What the board says: the far end has heard it already while a record is run again.

  outputArrived(): void {
    if (!this.#record.isReplaying) this.#far?.outputArrived();
  }

  inputRoom(): void {
    if (!this.#record.isReplaying) this.#far?.inputRoom();
  }

  formatChanged(format: LineFormat): void {
    if (!this.#record.isReplaying) this.#far?.formatChanged(format);
  }

  breakChanged(level: 'mark' | 'space'): void {
    if (!this.#record.isReplaying) this.#far?.breakChanged(level);
  }

  outputsChanged(outputs: number): void {
    if (!this.#record.isReplaying) this.#far?.outputsChanged(outputs);
  }
}
