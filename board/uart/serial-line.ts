/**
 * The line between a UART and the world outside the board: it paces characters at the far end's
 * format, holds what the host has not taken yet, and turns a mismatch of formats into what a
 * receiver would make of it.
 *
 * The far end is a host bridge, a test, or a sink in memory: it takes output with
 * {@link SerialLine.takeOutput} and gives input with {@link SerialLine.send}. While the far end has
 * set no format of its own it follows the UART's.
 *
 * The output ring is the host's, not the board's: when it is full the line holds (the UART waits
 * before its next character), so a slow host loses nothing. A line at `real` rate never waits for
 * the UART's receiver: that overruns, as it does on hardware, unless the far end honours RTS.
 */

import { assert } from '../../memory/assert.ts';
import type { Clock, ClockEvent } from '../clock.ts';
import {
  CHAR_BREAK,
  CHAR_FRAMING_ERROR,
  CHAR_PARITY_ERROR,
  characterNs,
  INPUT_CTS,
  INPUT_DCD,
  INPUT_DSR,
  OUTPUT_RTS,
  sameFormat,
} from '../serial-wire.ts';
import type { LineFormat, LineRate, SerialEnd, SerialWire } from '../serial-wire.ts';
import { FrameSampler } from './frame-sampler.ts';

/**
 * What happens on the line, for who sits at its far end. Every call is made from inside the board.
 */
export interface LineFarEnd {
  /** Output has arrived in an empty ring. */
  outputArrived(): void;
  /** There is room for input again, after `send` took less than it was given. */
  inputRoom(): void;
  /** The UART has been given another format. */
  formatChanged(format: LineFormat): void;
  breakChanged(level: 'mark' | 'space'): void;
  /** DTR, RTS, OUT1, OUT2 have changed. */
  outputsChanged(outputs: number): void;
}

export interface SerialLineOptions {
  readonly clock: Clock;
  readonly rate: LineRate;
  /** Bytes of output held for the host; a power of two, 64 KiB unless told. */
  readonly outputBytes?: number;
  /** Characters of input held for the UART; a power of two, 64 Ki unless told. */
  readonly inputCharacters?: number;
  /** `rtscts`: the far end stops sending while the UART's RTS is off. */
  readonly flow?: 'none' | 'rtscts';
}

/** What has happened on a line since it was made. */
export interface LineCounters {
  characters: number;
  received: number;
  framingErrors: number;
  parityErrors: number;
  breaks: number;
  /** Times the UART had to wait for the host. */
  holds: number;
  /** Times the board was late (live only) and the line waited for it. */
  slips: number;
  /** Characters made up by a mismatch of formats that the full output ring could not hold. */
  lost: number;
}

/**
 * How long a live board may leave a full receiver unread before that is an overrun: longer than a
 * busy host stops us.
 */
const LATE_NS_MAX = 50_000_000;
const UNCLOCKED: LineFormat = { baud: 0, dataBits: 8, parity: 'none', stopBits: 1 };

export class SerialLine implements SerialWire, ClockEvent {
  readonly rate: LineRate;
  readonly counters: LineCounters = {
    characters: 0,
    received: 0,
    framingErrors: 0,
    parityErrors: 0,
    breaks: 0,
    holds: 0,
    slips: 0,
    lost: 0,
  };
  readonly #clock: Clock;
  readonly #flow: 'none' | 'rtscts';
  readonly #output: Uint8Array;
  // Free-running, signed so that they stay small integers.
  #outputTail = 0;
  #outputHead = 0;
  readonly #input: Uint16Array;
  #inputTail = 0;
  #inputHead = 0;
  #end: SerialEnd | undefined;
  #far: LineFarEnd | undefined;
  #near: LineFormat = UNCLOCKED;
  #farOwn: LineFormat | undefined;
  #toFar: FrameSampler | undefined;
  #toNear: FrameSampler | undefined;
  #outputs = 0;
  #inputs = INPUT_CTS | INPUT_DSR | INPUT_DCD;
  /**
   * 'first': the character that ends an idle line, whose beginning a live clock may have dated too
   * early.
   */
  #feeding: 'no' | 'first' | 'yes' = 'no';
  #feedEndNs = 0;
  /** When a character last filled the UART's receiver. */
  #fullAtNs = -Infinity;
  #waitsForRoom = false;
  #waitsForHost = false;
  readonly #endBreak: ClockEvent = { fire: () => this.sendBreak('mark') };
  /** Decides frames that a mismatched receiver has begun when nothing more follows. */
  readonly #settle: ClockEvent = { fire: (nowNs) => this.#settleAt(nowNs) };

  constructor(options: SerialLineOptions) {
    const outputBytes = options.outputBytes ?? 65_536;
    const inputCharacters = options.inputCharacters ?? 65_536;
    assert(Number.isInteger(Math.log2(outputBytes)), 'the output ring is a power of two');
    assert(Number.isInteger(Math.log2(inputCharacters)), 'the input ring is a power of two');
    this.rate = options.rate;
    this.#clock = options.clock;
    this.#flow = options.flow ?? 'none';
    this.#output = new Uint8Array(outputBytes);
    this.#input = new Uint16Array(inputCharacters);
  }

  // The UART's side.

  attach(end: SerialEnd): void {
    assert(this.#end === undefined, 'one UART is plugged into a line');
    this.#end = end;
  }

  ready(): boolean {
    if (this.outputLength() < this.#output.length) return true;
    if (!this.#waitsForHost) this.counters.holds += 1;
    this.#waitsForHost = true;
    return false;
  }

  transmit(character: number): void {
    this.counters.characters += 1;
    if (this.#toFar === undefined) this.#hostReceives(character);
    else this.#throughSampler(this.#toFar, character, this.#near);
  }

  setBreak(level: 'mark' | 'space'): void {
    if (level === 'space') this.counters.breaks += 1;
    this.#far?.breakChanged(level);
  }

  setFormat(format: LineFormat): void {
    this.#near = format;
    this.#compareFormats();
    this.#far?.formatChanged(format);
    this.#feed();
  }

  setOutputs(outputs: number): void {
    if (outputs === this.#outputs) return;
    this.#outputs = outputs;
    this.#far?.outputsChanged(outputs);
    this.#feed();
  }

  inputs(): number {
    return this.#inputs;
  }

  receiverReady(): void {
    if (this.rate === 'fast') this.#feed();
  }

  // The far side.

  setFarEnd(far: LineFarEnd | undefined): void {
    this.#far = far;
    if (far !== undefined && this.outputLength() > 0) far.outputArrived();
  }

  /** The UART's; baud 0 before it has been programmed. */
  get format(): LineFormat {
    return this.#near;
  }

  get outputs(): number {
    return this.#outputs;
  }

  /** Bytes of output that the host has not taken yet. */
  outputLength(): number {
    return (this.#outputTail - this.#outputHead) | 0;
  }

  /** Characters of input that the UART has not got yet. */
  inputLength(): number {
    return (this.#inputTail - this.#inputHead) | 0;
  }

  /**
   * Takes the oldest output.
   *
   * @returns how many bytes were put into `into`, from its start
   */
  takeOutput(into: Uint8Array): number {
    const length = Math.min(into.length, this.outputLength());
    const from = this.#outputHead & (this.#output.length - 1);
    const first = Math.min(length, this.#output.length - from);
    into.set(this.#output.subarray(from, from + first));
    if (first < length) into.set(this.#output.subarray(0, length - first), first);
    this.#outputHead = (this.#outputHead + length) | 0;
    if (length > 0) this.#outputTaken();
    return length;
  }

  #outputTaken(): void {
    if (!this.#waitsForHost) return;
    this.#waitsForHost = false;
    this.#end?.lineReady();
  }

  /**
   * Sends bytes to the UART in the far end's format.
   *
   * @returns how many were taken; when not all, `inputRoom` tells when to go on
   */
  send(bytes: Uint8Array): number {
    const length = Math.min(bytes.length, this.#input.length - this.inputLength());
    const mask = this.#input.length - 1;
    for (let index = 0; index < length; index += 1) {
      this.#input[(this.#inputTail + index) & mask] = bytes[index] as number;
    }
    this.#inputTail = (this.#inputTail + length) | 0;
    if (length < bytes.length) this.#waitsForRoom = true;
    this.#feed();
    return length;
  }

  /**
   * Sends one character with a condition on it, for fault injection.
   * @returns whether there was room
   */
  sendCharacter(character: number): 'ok' | 'full' {
    if (this.inputLength() === this.#input.length) return 'full';
    this.#input[this.#inputTail & (this.#input.length - 1)] = character;
    this.#inputTail = (this.#inputTail + 1) | 0;
    this.#feed();
    return 'ok';
  }

  /** Throws away input that the UART has not got yet. @returns how many characters */
  purgeInput(): number {
    const length = this.inputLength();
    this.#inputHead = this.#inputTail;
    return length;
  }

  /** Throws away output that the host has not taken. */
  purgeOutput(): void {
    this.#outputHead = this.#outputTail;
    this.#outputTaken();
  }

  sendBreak(level: 'mark' | 'space'): void {
    if (level === 'space') this.counters.breaks += 1;
    this.#end?.breakChanged(level);
  }

  /** A second one before the end of the first makes it longer. */
  pulseBreak(durationNs: number): void {
    this.sendBreak('space');
    this.#clock.schedule(this.#endBreak, this.#clock.now() + durationNs);
  }

  setInputs(inputs: number): void {
    if (inputs === this.#inputs) return;
    this.#inputs = inputs;
    this.#end?.inputsChanged(inputs);
  }

  /** Gives the far end a format of its own; `undefined` lets it follow the UART's again. */
  setFarFormat(format: LineFormat | undefined): void {
    this.#farOwn = format;
    this.#compareFormats();
    this.#feed();
  }

  get farFormat(): LineFormat {
    return this.#farOwn ?? this.#near;
  }

  fire(nowNs: number): void {
    const lateNs = nowNs - this.#feedEndNs;
    if (this.#feeding === 'first') this.#feedEndNs = nowNs;
    this.#feeding = 'no';
    if (this.rate === 'fast') this.#feedAll();
    else this.#feedOne(nowNs, lateNs);
    if (this.#waitsForRoom && this.inputLength() <= this.#input.length / 2) {
      this.#waitsForRoom = false;
      this.#far?.inputRoom();
    }
  }

  /** Starts sending input, when there is any and the UART can hear it. */
  #feed(): void {
    const end = this.#end;
    if (this.#feeding !== 'no' || end === undefined || this.inputLength() === 0) return;
    if (this.#near.baud === 0 || !this.#clearToSend()) return;
    const nowNs = this.#clock.now();
    if (this.rate === 'fast') {
      if (end.room() === 0) return;
      this.#feeding = 'yes';
      this.#clock.schedule(this, nowNs);
      return;
    }
    this.#feeding = 'first';
    this.#feedEndNs = Math.max(this.#feedEndNs, nowNs) + characterNs(this.farFormat);
    this.#clock.schedule(this, Math.round(this.#feedEndNs));
  }

  #clearToSend(): boolean {
    return this.#flow === 'none' || (this.#outputs & OUTPUT_RTS) !== 0;
  }

  #feedAll(): void {
    const end = this.#end as SerialEnd;
    const mask = this.#input.length - 1;
    while (this.#inputHead !== this.#inputTail && end.room() > 0 && this.#clearToSend()) {
      const character = this.#input[this.#inputHead & mask] as number;
      this.#inputHead = (this.#inputHead + 1) | 0;
      this.#uartReceives(character);
    }
  }

  #feedOne(nowNs: number, lateNs: number): void {
    if (this.inputLength() === 0) return;
    const end = this.#end as SerialEnd;
    if (lateNs > 1 && nowNs - this.#fullAtNs < LATE_NS_MAX && end.room() === 0) {
      // Only a live board is late: its driver has had no time since the FIFO filled. The line waits
      // for the board.
      this.counters.slips += 1;
      this.#feedEndNs = nowNs;
      this.#feedNext();
      return;
    }
    const character = this.#input[this.#inputHead & (this.#input.length - 1)] as number;
    this.#inputHead = (this.#inputHead + 1) | 0;
    this.#uartReceives(character);
    if (end.room() === 0) this.#fullAtNs = nowNs;
    // The next character follows without a gap, so it begins where this one ended.
    if (this.inputLength() > 0 && this.#clearToSend() && this.#near.baud > 0) this.#feedNext();
  }

  #feedNext(): void {
    this.#feeding = 'yes';
    this.#feedEndNs += characterNs(this.farFormat);
    this.#clock.schedule(this, Math.round(this.#feedEndNs));
  }

  #uartReceives(character: number): void {
    this.counters.received += 1;
    if (this.#toNear === undefined || character > 0xff) (this.#end as SerialEnd).receive(character);
    else this.#throughSampler(this.#toNear, character, this.farFormat);
  }

  #hostReceives(character: number): void {
    if ((character & CHAR_FRAMING_ERROR) !== 0) this.counters.framingErrors += 1;
    if ((character & CHAR_PARITY_ERROR) !== 0) this.counters.parityErrors += 1;
    if ((character & CHAR_BREAK) !== 0) return;
    const length = this.outputLength();
    if (length === this.#output.length) {
      // Only a mismatched format gives more characters than were sent; the UART has no way to wait
      // for those.
      this.counters.lost += 1;
      return;
    }
    this.#output[this.#outputTail & (this.#output.length - 1)] = character;
    this.#outputTail = (this.#outputTail + 1) | 0;
    if (length === 0) this.#far?.outputArrived();
  }

  #compareFormats(): void {
    const far = this.#farOwn;
    const near = this.#near;
    if (far === undefined || near.baud === 0 || far.baud === 0) {
      this.#toFar = undefined;
      this.#toNear = undefined;
      return;
    }
    this.#toFar = sameFormat(near, far)
      ? undefined
      : new FrameSampler(near, far, (character) => this.#hostReceives(character));
    this.#toNear = sameFormat(far, near)
      ? undefined
      : new FrameSampler(far, near, (character) => this.#end?.receive(character));
  }

  #throughSampler(sampler: FrameSampler, data: number, format: LineFormat): void {
    sampler.send(data & 0xff, this.#clock.now() - characterNs(format));
    const pendingNs = sampler.pendingUntil();
    if (pendingNs !== Infinity) this.#clock.schedule(this.#settle, Math.ceil(pendingNs) + 1);
  }

  #settleAt(nowNs: number): void {
    this.#toFar?.idleUntil(nowNs);
    this.#toNear?.idleUntil(nowNs);
  }
}
