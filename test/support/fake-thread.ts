/**
 * Test support: a thread without a kernel. It records each system call, and the test says what
 * comes back.
 */

import {
  IPC_BUFFER_BYTES,
  REG_A0,
  REG_A1,
  REG_A6,
  REG_A7,
  REG_T0,
  REGISTER_COUNT,
} from '../../kernel/abi.ts';
import type { Mapping, UserThread } from '../../kernel/user.ts';
import { Ram } from '../../memory/ram.ts';
import type { Access, MmioDevice } from '../../memory/region.ts';
import { IMAGE_DATA, IPC_BUFFER_VADDR, PAGE_BYTES } from '../../microkit/slots.ts';

/** The registers that a system call reads. */
export interface RecordedCall {
  readonly number: number;
  readonly cptr: number;
  readonly info: number;
  readonly reply: number;
  readonly destination: number;
  readonly kind: 'trap' | 'trapLast';
}

/** Memory that the fake page table maps. */
export interface FakeMapping {
  readonly vaddr: number;
  readonly sizeBytes: number;
  readonly permissions: 'r' | 'rw';
  /** Offset in RAM, or the device. */
  readonly target: number | MmioDevice;
}

const RAM_BYTES = 0x10_0000;
const IPC_BUFFER_AT = 0x1000;
/** Where the words that the description sets lie. */
export const IMAGE_DATA_AT = 0x2000;

export class FakeThread implements UserThread {
  readonly regs = new Uint32Array(2 * REGISTER_COUNT);
  readonly ram = new Ram({ sizeBytes: RAM_BYTES });
  readonly calls: RecordedCall[] = [];
  /** What the kernel does to the registers at the next traps, in order. */
  readonly answers: ((regs: Uint32Array) => void)[] = [];
  readonly #mappings: readonly FakeMapping[];

  constructor(mappings: readonly FakeMapping[] = []) {
    this.#mappings = [
      {
        vaddr: IPC_BUFFER_VADDR,
        sizeBytes: IPC_BUFFER_BYTES,
        permissions: 'rw',
        target: IPC_BUFFER_AT,
      },
      { vaddr: IMAGE_DATA, sizeBytes: PAGE_BYTES, permissions: 'r', target: IMAGE_DATA_AT },
      ...mappings,
    ];
  }

  trap(): void {
    this.#record('trap');
    this.answers.shift()?.(this.regs);
  }

  trapLast(): void {
    this.#record('trapLast');
  }

  pass(): void {
    // Nothing else runs here.
  }

  spend(): number {
    return 0;
  }

  keepsPc(): void {
    // The runtime's programs have no pc of their own.
  }

  demandRunning(): void {
    // A test calls whenever it likes.
  }

  mapping(vaddr: number, lengthBytes: number, access: Access): Mapping | undefined {
    const found = this.#mappings.find(
      (each) => vaddr >= each.vaddr && vaddr + lengthBytes <= each.vaddr + each.sizeBytes,
    );
    if (found === undefined || access === 'execute') return undefined;
    if (access === 'write' && found.permissions === 'r') return undefined;
    const offset = vaddr - found.vaddr;
    if (typeof found.target !== 'number') return { kind: 'device', device: found.target, offset };
    return {
      kind: 'ram',
      at: found.target + offset,
      memory: { ram: this.ram, at: 0, sizeBytes: RAM_BYTES },
      writable: found.permissions === 'rw' ? 'yes' : 'no',
    };
  }

  /** Sets what a wait returns with. */
  deliver(badgeLow: number, badgeHigh: number, info = 0): void {
    this.regs[2 * REG_A0] = badgeLow;
    this.regs[2 * REG_A0 + 1] = badgeHigh;
    this.regs[2 * REG_A1] = info;
  }

  lastCall(): RecordedCall | undefined {
    return this.calls.at(-1);
  }

  #record(kind: RecordedCall['kind']): void {
    const low = (register: number): number => this.regs[2 * register] as number;
    this.calls.push({
      number: low(REG_A7) | 0,
      cptr: low(REG_A0),
      info: low(REG_A1),
      reply: low(REG_A6),
      destination: low(REG_T0),
      kind,
    });
  }
}
