/** An image of this folder in an address space of its own, run by one of the engines. */

import { hostNow } from '../../host/host-time.ts';
import { assert } from '../../memory/assert.ts';
import { Ram } from '../../memory/ram.ts';
import { bulkFunctions } from '../../microkit/elf/bulk.ts';
import { readElf } from '../../microkit/elf/reader.ts';
import { AddressSpace } from '../../riscv/address-space.ts';
import { createEngine, type Engine, type EngineKind } from '../../riscv/engine.ts';
import { EXIT, HART, HART_BYTES, type Run, SLOT_OF_X } from '../../riscv/hart.ts';
import { type Slice, timeSlice, type Worker } from '../slices.ts';

const PAGE_BYTES = 4096;
const RAM_BYTES = 0x100_0000;
const STAGING_BYTES = 0x40_0000;
const STACK_VADDR = 0x1000_0000;
const STACK_BYTES = 0x1_0000;
/** Instructions between two looks at the time, as a live system has them. */
const USUALLY_GRANTED = 1_000_000;
const [SP, A0] = [2, 10].map((x) => HART.registers + 8 * (SLOT_OF_X[x] as number)) as [
  number,
  number,
];

export class CodeMachine implements Worker {
  /** Instructions executed so far. */
  instructions = 0;
  readonly #ram = new Ram({ sizeBytes: RAM_BYTES, stagingBytes: STAGING_BYTES });
  readonly #hart = this.#ram.takeStaging(HART_BYTES);
  readonly #engine: Engine;
  readonly #entry: number;
  readonly #rounds: number;
  #done = 0;

  readonly #granted: number;

  /**
   * @param rounds of the kernel, between two looks at the time
   * @param granted instructions that the engine may execute at once
   */
  constructor(elf: Uint8Array, engine: EngineKind, rounds: number, granted = USUALLY_GRANTED) {
    this.#granted = granted;
    const read = readElf(elf);
    if (!read.ok) throw new Error(`an image of bench/code ${read.problem}`);
    this.#rounds = rounds;
    this.#entry = read.image.entry;
    const runs: Run[] = [];
    let at = 0;
    const map = (
      vaddr: number,
      sizeBytes: number,
      rights: Pick<Run, 'isWritable' | 'isExecutable'>,
    ): number => {
      const first = vaddr - (vaddr % PAGE_BYTES);
      const whole = Math.ceil((vaddr + sizeBytes - first) / PAGE_BYTES) * PAGE_BYTES;
      const run = { vaddr: first, sizeBytes: whole, at, ...rights };
      runs.push({ ...run, isReadable: true, device: undefined, deviceOffset: 0 });
      at += whole;
      return run.at + vaddr - first;
    };
    for (const segment of read.image.segments) {
      const isWritable = segment.permissions.includes('w');
      const isExecutable = segment.permissions.includes('x');
      const place = map(segment.vaddr, segment.memoryBytes, { isWritable, isExecutable });
      this.#ram.u8.set(segment.contents, place);
    }
    map(STACK_VADDR, STACK_BYTES, { isWritable: true, isExecutable: false });
    const space = new AddressSpace(this.#ram, {
      runAt: (vaddr) => runs.find((run) => vaddr >= run.vaddr && vaddr < run.vaddr + run.sizeBytes),
      generation: () => 0,
      readDevice: () => 0,
      writeDevice: () => undefined,
      nowNs: () => 0,
    });
    const bulk = bulkFunctions(read.image);
    this.#engine = createEngine({ engine, ram: this.#ram, at: this.#hart, space, bulk });
  }

  async slice(sliceNs: number): Promise<Slice> {
    return timeSlice(
      sliceNs,
      (ns) => {
        const until = hostNow() + ns;
        do this.work();
        while (hostNow() < until);
      },
      () => this.#done,
    );
  }

  /** Some rounds. @returns the kernel's sum over what it has done, its lower 32 bits */
  work(): number {
    const { view } = this.#ram;
    const hart = this.#hart;
    view.setUint32(hart + HART.hasFloatingPoint, 1, true);
    view.setBigUint64(hart + SP, BigInt(STACK_VADDR + STACK_BYTES), true);
    view.setBigUint64(hart + A0, BigInt(this.#rounds), true);
    view.setBigUint64(hart + HART.nextPc, BigInt(this.#entry), true);
    for (let exit: number = EXIT.limit; exit !== EXIT.ecall;) {
      view.setInt32(hart + HART.remaining, this.#granted, true);
      exit = this.#engine.run();
      this.instructions += this.#granted - view.getInt32(hart + HART.remaining, true);
      assert(exit === EXIT.limit || exit === EXIT.ecall, 'a kernel ends with a system call');
    }
    this.#done += this.#rounds;
    return view.getUint32(hart + A0, true);
  }
}
