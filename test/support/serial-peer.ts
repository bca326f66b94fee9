/**
 * A board that is nothing but the near end of a serial line: it sends given bytes as fast as the
 * far end takes them, and keeps what it receives. Driven by the live loop, so that bridges are
 * tested as they run.
 */

import { HostClock } from '../../board/host-clock.ts';
import { CHAR_BREAK } from '../../board/serial-wire.ts';
import type { LineFormat, LineRate, SerialEnd } from '../../board/serial-wire.ts';
import { SerialLine } from '../../board/uart/serial-line.ts';
import { LiveLoop, sleep } from '../../host/event-loop.ts';
import { hostNow } from '../../host/host-time.ts';
import type { Drivable } from '../../host/event-loop.ts';
import type { SerialBridge } from '../../host/serial/bridge.ts';
import { HostLine } from '../../host/serial/host-line.ts';

const FORMAT: LineFormat = { baud: 115_200, dataBits: 8, parity: 'none', stopBits: 1 };
/** Characters sent in one slice at most, so that the host gets its turn. */
const SLICE_CHARACTERS = 65_536;

export class SerialPeer implements SerialEnd, Drivable {
  readonly clock = new HostClock(hostNow);
  readonly line: SerialLine;
  readonly host: HostLine;
  readonly loop: LiveLoop;
  readonly notices: string[] = [];
  readonly inputs: number[] = [];
  readonly breaks: string[] = [];
  readonly received = new Uint8Array(4 * 1024 * 1024);
  receivedLength = 0;
  badCharacters = 0;
  /** Slices so far. */
  slices = 0;
  onBreak: (level: 'mark' | 'space') => void = () => undefined;
  #sending: Uint8Array = new Uint8Array(0);
  #sent = 0;
  #running: Promise<void> | undefined;
  readonly #waits: { readonly done: () => boolean; readonly resolve: () => void }[] = [];

  constructor(rate: LineRate = 'fast', format: LineFormat = FORMAT) {
    this.line = new SerialLine({ clock: this.clock, rate });
    this.line.attach(this);
    this.line.setFormat(format);
    this.line.setOutputs(3);
    this.loop = new LiveLoop(this);
    this.host = new HostLine(this.line, () => this.loop.wake());
  }

  readonly onNotice = (line: string): void => void this.notices.push(line);

  /** Starts the loop with a bridge in it. */
  start(bridge: SerialBridge): void {
    this.loop.addPort({
      flush: () => {
        bridge.flush();
        for (const wait of this.#waits.splice(0)) {
          if (wait.done()) wait.resolve();
          else this.#waits.push(wait);
        }
      },
    });
    this.#running = this.loop.run();
  }

  async stop(bridge: SerialBridge): Promise<void> {
    this.loop.stop();
    await this.#running;
    await bridge.close();
  }

  /** Sends bytes out of the UART, behind those that are still being sent. */
  send(bytes: Uint8Array): void {
    this.#sending = Buffer.concat([this.#sending.subarray(this.#sent), bytes]);
    this.#sent = 0;
    this.loop.wake();
  }

  sendText(text: string): void {
    this.send(Buffer.from(text, 'latin1'));
  }

  get sentAll(): boolean {
    return this.#sent === this.#sending.length && this.line.outputLength() === 0;
  }

  text(): string {
    return Buffer.from(this.received.subarray(0, this.receivedLength)).toString('latin1');
  }

  /** Resolves when the loop has slept for a moment. */
  async sleeps(): Promise<void> {
    for (let seen = -1; seen !== this.slices;) {
      seen = this.slices;
      await sleep(3);
    }
  }

  /** Resolves in the turn in which a condition holds. */
  until(done: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waits.push({ done, resolve });
      this.loop.wake();
    });
  }

  receive(character: number): void {
    if (character > 0xff) {
      if ((character & CHAR_BREAK) === 0) this.badCharacters += 1;
      return;
    }
    if (this.receivedLength < this.received.length) this.received[this.receivedLength] = character;
    this.receivedLength += 1;
  }

  breakChanged(level: 'mark' | 'space'): void {
    this.breaks.push(level);
    this.onBreak(level);
  }

  inputsChanged(inputs: number): void {
    this.inputs.push(inputs);
  }

  lineReady(): void {
    this.loop.wake();
  }

  room(): number {
    return 65_536;
  }

  runSlice(): 'idle' | 'busy' {
    this.slices += 1;
    this.clock.fireDue();
    let count = 0;
    while (this.#sent < this.#sending.length && count < SLICE_CHARACTERS && this.line.ready()) {
      this.line.transmit(this.#sending[this.#sent] as number);
      this.#sent += 1;
      count += 1;
    }
    this.clock.handOver();
    // A test that waits for a client's side has to be looked at again and again: the loop must not
    // sleep.
    return count === SLICE_CHARACTERS || this.#waits.length > 0 ? 'busy' : 'idle';
  }

  now(): number {
    return this.clock.refresh();
  }

  nextNeededAt(): number {
    return this.clock.nextEventAt();
  }
}

/** Bytes that look random and are the same in every run. */
export function scrambledBytes(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let index = 0; index < length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state & 0xff;
  }
  return bytes;
}
