/**
 * The serial wire, as a UART model sees it: characters with their line condition, the format they
 * are sent in, break, and modem lines. Host bridges, null modems and fault injectors implement the
 * same interface, so any of them fits any UART.
 *
 * A character is one number: the data in bits 0 to 7, the conditions found at the receiver above.
 * Times and formats live here too, because both ends of a line reckon with them.
 */

import { assert } from '../memory/assert.ts';

/** The stop bit was not a mark. */
export const CHAR_FRAMING_ERROR = 0x100;
export const CHAR_PARITY_ERROR = 0x200;
/** The line was at space for a whole character; the data is 0. */
export const CHAR_BREAK = 0x400;

/**
 * Outputs of a UART: levels, 1 is asserted. The order is that of the NS16550A's modem control
 * register.
 */
export const OUTPUT_DTR = 1;
export const OUTPUT_RTS = 2;
export const OUTPUT_OUT1 = 4;
export const OUTPUT_OUT2 = 8;

/**
 * Inputs of a UART: levels, 1 is asserted. The order is that of the NS16550A's modem status
 * register.
 */
export const INPUT_CTS = 1;
export const INPUT_DSR = 2;
export const INPUT_RI = 4;
export const INPUT_DCD = 8;

export type Parity = 'none' | 'odd' | 'even' | 'mark' | 'space';

/** How characters are sent on the line. */
export interface LineFormat {
  /** Bits per second; 0 while the transmitter has no clock. */
  readonly baud: number;
  readonly dataBits: 5 | 6 | 7 | 8;
  readonly parity: Parity;
  readonly stopBits: 1 | 1.5 | 2;
}

/**
 * `real`: a character takes its time. `fast`: it takes none, and the far end waits while a receiver
 * is full.
 */
export type LineRate = 'real' | 'fast';

/** What a wire tells the UART at its end. */
export interface SerialEnd {
  /** A whole character has arrived. */
  receive(character: number): void;
  /** The line has gone to space for longer than a character, or has come back to mark. */
  breakChanged(level: 'mark' | 'space'): void;
  /** Some of CTS, DSR, RI, DCD have changed. */
  inputsChanged(inputs: number): void;
  /** The far end takes characters again, after {@link SerialWire.ready} has answered false. */
  lineReady(): void;
  /** Characters that fit now. A fast line sends no more than these; a real line does not ask. */
  room(): number;
}

export interface SerialWire {
  readonly rate: LineRate;
  /** Plugs in the UART; one at a time. */
  attach(end: SerialEnd): void;
  /**
   * Whether the far end takes a character now. False is a host that reads slowly, never a lost
   * character.
   */
  ready(): boolean;
  /** Hands over one character at the end of its last stop bit. */
  transmit(character: number): void;
  setBreak(level: 'mark' | 'space'): void;
  setFormat(format: LineFormat): void;
  /** Sets DTR, RTS, OUT1 and OUT2. */
  setOutputs(outputs: number): void;
  /** CTS, DSR, RI and DCD as they are now. */
  inputs(): number;
  /** The UART has room again: a fast line goes on sending. */
  receiverReady(): void;
}

/**
 * Formats are compared with this tolerance: a receiver samples in the middle of the last bit, so 4
 * % is the most that fits.
 */
export const BAUD_TOLERANCE = 0.03;

/** @returns bits on the line for one character, with start, parity and stop bits */
export function frameBits(format: LineFormat): number {
  return 1 + format.dataBits + (format.parity === 'none' ? 0 : 1) + format.stopBits;
}

/** @returns the time of one bit in ns; `Infinity` without a clock */
export function bitNs(format: LineFormat): number {
  assert(format.baud >= 0, 'a baud rate is not negative');
  return format.baud === 0 ? Infinity : 1e9 / format.baud;
}

/** @returns the time of one character in ns; `Infinity` without a clock */
export function characterNs(format: LineFormat): number {
  return frameBits(format) * bitNs(format);
}

/** Whether what one end sends is what the other end receives. */
export function sameFormat(sender: LineFormat, receiver: LineFormat): boolean {
  return (
    sender.dataBits === receiver.dataBits &&
    sender.parity === receiver.parity &&
    // A receiver checks the first stop bit only.
    Math.abs(sender.baud - receiver.baud) <= BAUD_TOLERANCE * receiver.baud
  );
}

/** @returns the parity bit of a character, 0 or 1 */
export function parityBit(data: number, parity: Exclude<Parity, 'none'>): number {
  switch (parity) {
    case 'mark':
      return 1;
    case 'space':
      return 0;
    case 'even':
      return onesOf(data) & 1;
    case 'odd':
      return (onesOf(data) & 1) ^ 1;
  }
}

function onesOf(data: number): number {
  let ones = 0;
  for (let rest = data; rest !== 0; rest &= rest - 1) ones += 1;
  return ones;
}

/** @returns the format as people write it, such as "115200 8N1" */
export function formatName(format: LineFormat): string {
  const parity = { none: 'N', odd: 'O', even: 'E', mark: 'M', space: 'S' }[format.parity];
  return `${Math.round(format.baud)} ${format.dataBits}${parity}${format.stopBits}`;
}
