/**
 * The host's end of the board's serial line: hands output over in pieces, and offers input until
 * the line has taken it.
 */

import type { LineFormat } from '../../board/serial-wire.ts';
import type { LineFarEnd, SerialLine } from '../../board/uart/serial-line.ts';

/** What a bridge may want to know of the line besides the bytes. */
export interface LineEvents {
  /** All input that was offered has been taken: the source may go on. */
  roomForInput?(): void;
  formatChanged?(format: LineFormat): void;
  breakChanged?(level: 'mark' | 'space'): void;
  /** DTR, RTS, OUT1, OUT2 of the UART have changed. */
  outputsChanged?(outputs: number): void;
}

/** The far side of the line: what lies at the host's end of it. */
export type FarLine = Pick<
  SerialLine,
  | 'counters'
  | 'farFormat'
  | 'format'
  | 'inputLength'
  | 'inputs'
  | 'outputLength'
  | 'outputs'
  | 'pulseBreak'
  | 'purgeInput'
  | 'purgeOutput'
  | 'send'
  | 'sendBreak'
  | 'setFarEnd'
  | 'setFarFormat'
  | 'setInputs'
  | 'takeOutput'
>;

export class HostLine implements LineFarEnd {
  readonly line: FarLine;
  bytesIn = 0;
  bytesOut = 0;
  /** Tells a sleeping loop that the board has work. */
  readonly wake: () => void;
  #events: LineEvents = {};
  /** Input that the line had no room for yet. */
  #waiting: Uint8Array[] = [];

  /** @param wake tells a sleeping loop that the board has work */
  constructor(line: FarLine, wake: () => void) {
    this.line = line;
    this.wake = wake;
    line.setFarEnd(this);
  }

  listen(events: LineEvents): void {
    this.#events = events;
  }

  /**
   * @returns output, at most `limitBytes` of it, in memory of its own; undefined when there is none
   */
  read(limitBytes: number): Uint8Array | undefined {
    const length = Math.min(this.line.outputLength(), limitBytes);
    if (length === 0) return undefined;
    const bytes = Buffer.allocUnsafe(length);
    this.line.takeOutput(bytes);
    this.bytesOut += length;
    // Taking output lets a UART that was held go on: there may be more in the next turn.
    this.wake();
    return bytes;
  }

  /**
   * Offers input. All of it is delivered; it must not be changed until then.
   *
   * @returns 'wait' when the source should pause until `roomForInput`
   */
  offer(bytes: Uint8Array): 'ok' | 'wait' {
    this.bytesIn += bytes.length;
    this.wake();
    if (this.#waiting.length > 0) {
      this.#waiting.push(bytes);
      return 'wait';
    }
    const taken = this.line.send(bytes);
    if (taken === bytes.length) return 'ok';
    this.#waiting.push(bytes.subarray(taken));
    return 'wait';
  }

  /** Whether input waits for room. */
  get inputWaits(): 'yes' | 'no' {
    return this.#waiting.length > 0 ? 'yes' : 'no';
  }

  /** Offers again what had to wait. Called in every turn. */
  flush(): void {
    while (this.#waiting.length > 0) {
      const first = this.#waiting[0] as Uint8Array;
      const taken = this.line.send(first);
      if (taken > 0) this.wake();
      if (taken < first.length) {
        this.#waiting[0] = first.subarray(taken);
        return;
      }
      this.#waiting.shift();
      if (this.#waiting.length === 0) this.#events.roomForInput?.();
    }
  }

  // What follows touches the UART outside a turn of the board, which may be asleep: it is woken
  // each time.

  sendBreak(level: 'mark' | 'space'): void {
    this.line.sendBreak(level);
    this.wake();
  }

  pulseBreak(durationNs: number): void {
    this.line.pulseBreak(durationNs);
    this.wake();
  }

  setInputs(inputs: number): void {
    this.line.setInputs(inputs);
    this.wake();
  }

  setFarFormat(format: LineFormat | undefined): void {
    this.line.setFarFormat(format);
    this.wake();
  }

  purgeOutput(): void {
    this.line.purgeOutput();
    this.wake();
  }

  /** Throws away input that the UART has not got. @returns how many bytes */
  purgeInput(): number {
    let length = this.line.purgeInput();
    for (const bytes of this.#waiting) length += bytes.length;
    const waited = this.#waiting.length > 0;
    this.#waiting = [];
    if (waited) this.#events.roomForInput?.();
    return length;
  }

  unplug(): void {
    this.#events = {};
    this.#waiting = [];
    this.line.setFarEnd(undefined);
  }

  counters(): Record<string, number> {
    return { bytesIn: this.bytesIn, bytesOut: this.bytesOut, ...this.line.counters };
  }

  outputArrived(): void {
    this.wake();
  }

  inputRoom(): void {
    this.wake();
  }

  formatChanged(format: LineFormat): void {
    this.#events.formatChanged?.(format);
  }

  breakChanged(level: 'mark' | 'space'): void {
    this.#events.breakChanged?.(level);
  }

  outputsChanged(outputs: number): void {
    this.#events.outputsChanged?.(outputs);
  }
}
