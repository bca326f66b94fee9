/** Packets that read and write registers and memory: g, G, p, P, m, M, X. */

import type { Debugger } from '../debugger.ts';
import { DomainView, REGISTERS } from '../domains.ts';
import type { Stop } from '../moment.ts';
import type { ClientThreads } from './client-threads.ts';
import { bytesOfHex, hexOf, numberOf, PACKET_BYTES_MAX, rangeOf } from './packets.ts';
import { BAD, NO_MEMORY, OK } from './replies.ts';

const MEMORY_BYTES_MAX = (PACKET_BYTES_MAX - 16) / 2;

export class MemoryPackets {
  readonly #threads: ClientThreads;
  readonly #debugger: Debugger;

  constructor(threads: ClientThreads, debug: Debugger) {
    this.#threads = threads;
    this.#debugger = debug;
  }

  readRegisters(): string {
    const view = this.#view;
    const numbers = Array.from({ length: REGISTERS.count }, (_, number) => number);
    return numbers.map((number) => hexOf(view.register(number) ?? [])).join('');
  }

  /** @param digits all registers, or the first of them */
  writeRegisters(digits: string): string {
    const bytes = bytesOfHex(digits);
    if (bytes === undefined) return BAD;
    const view = this.#view;
    let at = 0;
    for (let number = 0; number < REGISTERS.count && at < bytes.length; number += 1) {
      const { length } = view.register(number) ?? [];
      if (length === undefined || at + length > bytes.length) return BAD;
      view.setRegister(number, bytes.subarray(at, at + length));
      at += length;
    }
    this.#touch('registers were written by hand');
    return OK;
  }

  readRegister(digits: string): string {
    const number = numberOf(digits);
    const bytes = number === undefined ? undefined : this.#view.register(number);
    return bytes === undefined ? BAD : hexOf(bytes);
  }

  /** @param text NUMBER=BYTES */
  writeRegister(text: string): string {
    const [digits = '', value = ''] = text.split('=');
    const number = numberOf(digits);
    const bytes = bytesOfHex(value);
    if (number === undefined || bytes === undefined) return BAD;
    if (!this.#view.setRegister(number, bytes)) return BAD;
    this.#touch('a register was written by hand');
    return OK;
  }

  /**
   * @param text ADDRESS,LENGTH
   * @param stop why the world stands
   */
  readMemory(text: string, stop: Stop): string {
    const range = rangeOf(text);
    if (range === undefined) return BAD;
    const bytes = Math.min(range.bytes, MEMORY_BYTES_MAX);
    const read =
      this.#watchedBytes(range.vaddr, bytes, stop) ?? this.#view.look(range.vaddr, bytes);
    return read.length === 0 && bytes > 0 ? NO_MEMORY : hexOf(read);
  }

  /** @param data the whole packet, of digits (M) or of bytes (X) */
  writeMemory(data: string): string {
    const colon = data.indexOf(':');
    const range = colon < 0 ? undefined : rangeOf(data.slice(1, colon));
    const rest = data.slice(colon + 1);
    const bytes =
      data[0] === 'M' ? bytesOfHex(rest) : Uint8Array.from(rest, (each) => each.charCodeAt(0));
    if (range === undefined || bytes === undefined || bytes.length !== range.bytes) return BAD;
    if (bytes.length === 0) return OK;
    if (!this.#view.write(range.vaddr, bytes)) return NO_MEMORY;
    this.#touch('memory was written by hand');
    return OK;
  }

  get #view(): DomainView {
    return new DomainView(this.#threads.generalPd, this.#debugger);
  }

  /** What the user does to the world, a world that is run again would not have. */
  #touch(why: string): void {
    this.#debugger.touched(why);
  }

  /**
   * What has been written by somebody who has it elsewhere: the client asks for it by the address
   * that it was watched at.
   */
  #watchedBytes(vaddr: number, bytes: number, { cause }: Stop): Uint8Array | undefined {
    const { world, conditions } = this.#debugger;
    if (cause.kind !== 'watch' || world === undefined) return undefined;
    const watchpoint = conditions.watchpoints.find((each) => each.vaddr === cause.vaddr);
    if (watchpoint === undefined || watchpoint.place.kind !== 'ram') return undefined;
    const offset = vaddr - watchpoint.vaddr;
    if (offset < 0 || offset + bytes > watchpoint.bytes) return undefined;
    const at = watchpoint.place.at + offset;
    return world.board.ram.u8.slice(at, at + bytes);
  }
}
