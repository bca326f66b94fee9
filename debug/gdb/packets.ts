/**
 * Packets of GDB's remote serial protocol: `$data#checksum`, acknowledged by `+` or asked for again
 * by `-`, and the byte 3 for "stop". What is none of these is noise, which is dropped and counted.
 *
 * Source: "Debugging with GDB", appendix "GDB Remote Serial Protocol", sections Overview and Packet
 * Acknowledgment.
 */

export type Received =
  | { readonly kind: 'packet'; readonly data: string }
  | { readonly kind: 'acknowledged' | 'asked again' | 'stop' }
  /** A packet whose checksum is wrong, or that is too long. */
  | { readonly kind: 'spoilt' };

/** Data of a packet at most: as the server says in `PacketSize`. */
export const PACKET_BYTES_MAX = 0x4000;

const DOLLAR = 0x24;
const HASH = 0x23;
const ESCAPE = 0x7d;
const PLUS = 0x2b;
const MINUS = 0x2d;
const STOP = 0x03;
const ESCAPE_XOR = 0x20;
/** What may not stand in a packet as it is; `*` would mean a run of equal bytes. */
const ESCAPED = /[#$}*]/gu;

/** Takes bytes as they come, and gives packets. Data is text of one character a byte (latin1). */
export class PacketReader {
  /** Bytes that belonged to nothing. */
  noise = 0;
  #state: 'outside' | 'data' | 'first digit' | 'second digit' = 'outside';
  #data: number[] = [];
  #sum = 0;
  #digit = 0;
  #isTooLong = false;

  read(bytes: Uint8Array): readonly Received[] {
    const received: Received[] = [];
    for (const byte of bytes) {
      const one = this.#take(byte);
      if (one !== undefined) received.push(one);
    }
    return received;
  }

  #take(byte: number): Received | undefined {
    switch (this.#state) {
      case 'outside':
        return this.#outside(byte);
      case 'data':
        this.#inData(byte);
        return undefined;
      case 'first digit':
        this.#digit = digitOf(byte);
        this.#state = 'second digit';
        return undefined;
      case 'second digit':
        return this.#end(byte);
      default:
        return this.#state satisfies never;
    }
  }

  #outside(byte: number): Received | undefined {
    switch (byte) {
      case DOLLAR:
        this.#begin();
        return undefined;
      case PLUS:
        return { kind: 'acknowledged' };
      case MINUS:
        return { kind: 'asked again' };
      case STOP:
        return { kind: 'stop' };
      default:
        this.noise += 1;
        return undefined;
    }
  }

  #begin(): void {
    this.#state = 'data';
    this.#data = [];
    this.#sum = 0;
    this.#isTooLong = false;
  }

  #inData(byte: number): void {
    if (byte === HASH) {
      this.#state = 'first digit';
    } else if (byte === DOLLAR) {
      // The end of the one before has been lost.
      this.noise += this.#data.length;
      this.#begin();
    } else {
      this.#sum = (this.#sum + byte) & 0xff;
      this.#isTooLong ||= this.#data.length >= PACKET_BYTES_MAX;
      if (!this.#isTooLong) this.#data.push(byte);
    }
  }

  #end(byte: number): Received {
    this.#state = 'outside';
    const isRight = this.#digit * 16 + digitOf(byte) === this.#sum;
    const data = this.#data;
    this.#data = [];
    if (!isRight || this.#isTooLong) return { kind: 'spoilt' };
    return { kind: 'packet', data: unescaped(data) };
  }
}

/** @param data text of one character a byte @returns the whole packet */
export function packetOf(data: string): string {
  const escaped = data.replaceAll(
    ESCAPED,
    (each) => `}${String.fromCharCode(each.charCodeAt(0) ^ ESCAPE_XOR)}`,
  );
  let sum = 0;
  for (let index = 0; index < escaped.length; index += 1) sum += escaped.charCodeAt(index);
  return `$${escaped}#${hexByte(sum & 0xff)}`;
}

/** @returns bytes as digits */
export function hexOf(bytes: Iterable<number>): string {
  return Array.from(bytes, hexByte).join('');
}

/** @returns undefined unless it is a whole number of bytes in digits */
export function bytesOfHex(digits: string): Uint8Array | undefined {
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) return undefined;
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) =>
    parseInt(digits.slice(2 * index, 2 * index + 2), 16),
  );
}

/** @returns a number in hexadecimal digits below 2^53; undefined for anything else */
export function numberOf(digits: string): number | undefined {
  if (!/^[0-9a-fA-F]{1,16}$/.test(digits)) return undefined;
  const number = parseInt(digits, 16);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** Bytes of an address space. */
export interface Range {
  readonly vaddr: number;
  readonly bytes: number;
}

/** @param text ADDRESS,LENGTH @returns undefined for anything else */
export function rangeOf(text: string): Range | undefined {
  const [address = '', length = '', ...more] = text.split(',');
  const vaddr = numberOf(address);
  const bytes = numberOf(length);
  if (vaddr === undefined || bytes === undefined || more.length > 0) return undefined;
  return { vaddr, bytes };
}

function unescaped(data: readonly number[]): string {
  let text = '';
  for (let index = 0; index < data.length; index += 1) {
    let byte = data[index] as number;
    if (byte === ESCAPE) {
      index += 1;
      byte = (data[index] ?? ESCAPE_XOR) ^ ESCAPE_XOR;
    }
    text += String.fromCharCode(byte);
  }
  return text;
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** @returns a number that no checksum has, for what is no digit */
function digitOf(byte: number): number {
  const digit = parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(digit) ? 0x1000 : digit;
}
