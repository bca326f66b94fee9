// Goal: a thread that runs machine code has the registers that seL4's threads have: they can be
// read, written and copied between any two of its instructions, its pc is real, and a change of its
// address space reaches it at once. Method: a root task of the same priority, which has the
// processor whenever the thread's budget ends, on the bare kernel.

import { describe, expect, it } from 'vitest';
import {
  INIT_SLOT_CNODE,
  INIT_SLOT_TCB,
  INIT_SLOT_VSPACE,
  FAULT_USER_EXCEPTION,
  FAULT_VM,
  OBJECT_4K_PAGE,
  OBJECT_ENDPOINT,
  OBJECT_REPLY,
  OBJECT_SCHED_CONTEXT,
  OBJECT_TCB,
  PAGE_MAP,
  PAGE_UNMAP,
  REG_PC,
  REG_S0,
  REG_SP,
  REG_TP,
  REGISTER_COUNT,
  SCHED_CONTROL_CONFIGURE_FLAGS,
  SYS_CALL,
  SYS_NB_RECV,
  SYS_SEND,
  SYS_WAIT,
  SYS_YIELD,
  TCB_CONFIGURE,
  TCB_COPY_REGISTERS,
  TCB_FLAG_FPU_DISABLED,
  TCB_READ_REGISTERS,
  TCB_RESUME,
  TCB_SET_FLAGS,
  TCB_SET_SCHED_PARAMS,
  TCB_SET_TLS_BASE,
  TCB_SUSPEND,
  TCB_WRITE_REGISTERS,
  UNTYPED_RETYPE,
} from '../../kernel/abi.ts';
import { boot } from '../../kernel/boot.ts';
import type { BootInfo } from '../../kernel/boot-info.ts';
import { generatorImage } from '../../kernel/generator-context.ts';
import type { ThreadStep, Word } from '../../kernel/system-call.ts';
import { Ram } from '../../memory/ram.ts';
import { HartContext } from '../../microkit/runtime/machine-code.ts';
import { pdCounters } from '../../microkit/runtime/observer.ts';
import { createEngine } from '../../riscv/engine.ts';
import { Chance } from '../../sim/oracles/kernel/chance.ts';
import { FuzzMachine } from '../../sim/oracles/kernel/fuzz-machine.ts';
import { add, addi, assemble, ecall, fcvtDW, j, li, R } from '../support/assembler.ts';

type Lines = Parameters<typeof assemble>[0];

const GUARD = 64 - 7;
const REPLY = 42;
const FAULTS = 43;
const FRAME = 44;
const TCB = 48;
const OTHER_TCB = 49;
const SC = 56;
/** In the part of the root task's address space that has a page table. */
const TEXT = 0x4c_0000;
const READ_WRITE = 3;
const EXECUTE_NEVER = 1;

const S1 = REG_S0 + 1;
const S2 = REG_S0 + 2;

/** s1 counts, and s2 is twice as much whenever the loop is at its beginning. */
const COUNTING: Lines = ['loop', addi(R.s1, R.s1, 1), addi(R.s2, R.s2, 2), j('loop')];

/** Runs a thread's program, and a root task that looks after it. */
function withThread(code: Lines, root: (info: BootInfo) => ThreadStep<void>): void {
  const ram = new Ram({ sizeBytes: 2 ** 20, stagingBytes: 2 ** 16 });
  let isFinished = false;
  const kernel = boot({
    machine: new FuzzMachine(ram, new Chance(1), 1e9),
    rootCNodeSizeBits: 7,
    rootTask: (info) =>
      generatorImage('root', function* () {
        yield* makeThread(info, assemble(code));
        yield* root(info);
        isFinished = true;
        yield* call(TCB, TCB_SUSPEND, []);
        yield { kind: 'call', sys: SYS_WAIT, cptr: FAULTS };
      }),
    machineCode: (thread) =>
      new HartContext({
        thread,
        ram,
        clock: 'virtual',
        costs: { instruction: 1_000, deviceAccess: 0 },
        counters: pdCounters(),
        makeEngine: (parts) => createEngine({ ...parts, engine: 'interpreter' }),
        log: () => undefined,
      }),
  });
  kernel.run(1e8);
  expect(isFinished).toBe(true);
}

function* makeThread(info: BootInfo, text: Uint8Array): ThreadStep<void> {
  const memory = info.untypedList.find(({ sizeBits }) => sizeBits === 19)?.slot ?? 0;
  const root = [INIT_SLOT_CNODE];
  yield* call(memory, UNTYPED_RETYPE, [OBJECT_4K_PAGE, 0, 0, 0, FRAME, 1], root);
  yield* call(memory, UNTYPED_RETYPE, [OBJECT_REPLY, 0, 0, 0, REPLY, 1], root);
  yield* call(memory, UNTYPED_RETYPE, [OBJECT_ENDPOINT, 0, 0, 0, FAULTS, 1], root);
  yield* call(memory, UNTYPED_RETYPE, [OBJECT_TCB, 0, 0, 0, TCB, 2], root);
  yield* call(memory, UNTYPED_RETYPE, [OBJECT_SCHED_CONTEXT, 8, 0, 0, SC, 1], root);
  yield* call(FRAME, PAGE_MAP, [TEXT, READ_WRITE, EXECUTE_NEVER], [INIT_SLOT_VSPACE]);
  const words = new Uint32Array(text.buffer);
  for (const [index, value] of words.entries()) {
    yield { kind: 'store', vaddr: TEXT + 4 * index, width: 4, value };
  }
  yield* call(FRAME, PAGE_MAP, [TEXT, READ_WRITE, 0], [INIT_SLOT_VSPACE]);
  yield* call(
    info.schedControl.start,
    SCHED_CONTROL_CONFIGURE_FLAGS,
    [1_000, 1_000, 0, 0, 0],
    [SC],
  );
  yield* call(TCB, TCB_CONFIGURE, [GUARD, 0, 0], [INIT_SLOT_CNODE, INIT_SLOT_VSPACE, 0]);
  yield* call(TCB, TCB_SET_SCHED_PARAMS, [255, 255], [INIT_SLOT_TCB, SC, FAULTS]);
  yield* call(TCB, TCB_WRITE_REGISTERS, [1, 1, TEXT]);
}

function* call(
  cptr: number,
  label: number,
  mrs: readonly Word[],
  caps: readonly number[] = [],
): ThreadStep<readonly Word[]> {
  const answer = yield { kind: 'call', sys: SYS_CALL, cptr, label, mrs, caps };
  expect(answer.label).toBe(0);
  return answer.mrs;
}

/** The thread runs until its budget ends. */
function* giveWay(): ThreadStep<void> {
  yield { kind: 'call', sys: SYS_YIELD };
}

function* read(): ThreadStep<number[]> {
  const words = yield* call(TCB, TCB_READ_REGISTERS, [0, REGISTER_COUNT]);
  return words.map(Number);
}

/** @returns label and words of the fault that waits, if one does */
function* fault(): ThreadStep<readonly Word[] | undefined> {
  const { badge, label, mrs } = yield {
    kind: 'call',
    sys: SYS_NB_RECV,
    cptr: FAULTS,
    reply: REPLY,
  };
  return label === 0 && badge === 0 ? undefined : [label, ...mrs];
}

describe('a preempted thread', () => {
  it('is read between two instructions, and goes on as if nothing had been', () => {
    withThread(COUNTING, function* () {
      const seen: number[] = [];
      const places = new Set<number>();
      for (let i = 0; i < 30; i += 1) {
        yield* giveWay();
        const registers = yield* read();
        const at = registers[REG_PC] ?? 0;
        const [count = 0, twice = 0] = registers.slice(S1, S1 + 2);
        places.add(at - TEXT);
        expect(twice).toBe(at === TEXT + 4 ? 2 * count - 2 : 2 * count);
        seen.push(count);
      }
      expect(seen.every((count, i) => i === 0 || count > (seen[i - 1] ?? 0))).toBe(true);
      expect([...places].toSorted((a, b) => a - b)).toEqual([0, 4, 8]);
    });
  });

  it('is given all 32 words, and goes on with them at the pc among them', () => {
    withThread(COUNTING, function* () {
      yield* giveWay();
      const words = Array.from({ length: REGISTER_COUNT }, (_, r) => 0x1_0000_0000 * r + 7 * r);
      words[REG_PC] = TEXT;
      words[S1] = 5_000;
      words[S2] = 10_000;
      yield* call(TCB, TCB_WRITE_REGISTERS, [0, REGISTER_COUNT, ...words]);
      yield* giveWay();
      const now = yield* read();

      expect(now[S1]).toBeGreaterThan(5_000);
      expect(now[REG_SP]).toBe(words[REG_SP]);
      expect(now[REG_TP]).toBe(words[REG_TP]);
      const untouched = (r: number): boolean => ![REG_PC, S1, S2].includes(r);
      expect(now.filter((_, r) => untouched(r))).toEqual(words.filter((_, r) => untouched(r)));
    });
  });

  it('stops between two instructions when it is suspended, and goes on there', () => {
    withThread(COUNTING, function* () {
      yield* giveWay();
      const before = yield* read();
      yield* call(TCB, TCB_SUSPEND, []);
      yield* giveWay();
      expect(yield* read()).toEqual(before);

      yield* call(TCB, TCB_RESUME, []);
      yield* giveWay();
      const after = yield* read();
      expect(after[S1]).toBeGreaterThan(before[S1] ?? 0);
      expect((after[S2] ?? 0) - 2 * (after[S1] ?? 0)).toBeOneOf([0, -2]);
    });
  });

  it('passes its registers on to a thread that has not run yet', () => {
    withThread(COUNTING, function* () {
      yield* giveWay();
      const before = yield* read();
      yield* call(OTHER_TCB, TCB_COPY_REGISTERS, [12], [TCB]);
      const copied = yield* call(OTHER_TCB, TCB_READ_REGISTERS, [0, REGISTER_COUNT]);

      expect(copied.map(Number)).toEqual(before);
    });
  });

  it('has the thread pointer that it is given', () => {
    withThread(COUNTING, function* () {
      yield* giveWay();
      yield* call(TCB, TCB_SET_TLS_BASE, [0x7_0000_1230]);
      yield* giveWay();

      expect((yield* read())[REG_TP]).toBe(0x7_0000_1230);
    });
  });
});

describe('a change', () => {
  it('of the address space reaches a thread that runs there', () => {
    withThread(COUNTING, function* () {
      yield* giveWay();
      const before = yield* read();
      yield* call(FRAME, PAGE_UNMAP, []);
      yield* giveWay();

      expect(yield* fault()).toEqual([FAULT_VM, before[REG_PC], before[REG_PC], 1, 12]);
    });
  });

  it('of the text is seen where it may be written', () => {
    withThread(COUNTING, function* () {
      yield* giveWay();
      const [stuck = 0] = new Uint32Array(assemble(['here', j('here')]).buffer);
      yield { kind: 'store', vaddr: TEXT, width: 4, value: stuck };
      yield* giveWay();
      const first = yield* read();
      yield* giveWay();

      expect(yield* read()).toEqual(first);
      expect(first[REG_PC]).toBe(TEXT);
    });
  });

  it('of its flags takes the floating-point unit away, and gives it back', () => {
    withThread(['again', fcvtDW(1, R.zero), addi(R.s1, R.s1, 1), j('again')], function* () {
      expect(yield* call(TCB, TCB_SET_FLAGS, [0, 0])).toEqual([0]);
      yield* giveWay();
      expect((yield* read())[S1]).toBeGreaterThan(100);

      const flags = yield* call(TCB, TCB_SET_FLAGS, [0, TCB_FLAG_FPU_DISABLED]);
      expect(flags).toEqual([TCB_FLAG_FPU_DISABLED]);
      yield* giveWay();
      const [label, pc, , number] = (yield* fault()) ?? [];
      expect([label, pc, number]).toEqual([FAULT_USER_EXCEPTION, TEXT, 2]);

      const before = yield* read();
      expect(yield* call(TCB, TCB_SET_FLAGS, [TCB_FLAG_FPU_DISABLED, 0])).toEqual([0]);
      // The handler's answer: the same instruction again.
      yield { kind: 'call', sys: SYS_SEND, cptr: REPLY };
      yield* giveWay();
      expect((yield* read())[S1]).toBeGreaterThan(before[S1] ?? 0);
    });
  });
});

describe('a system call', () => {
  it('that was cut off by a suspension is made again at its own pc', () => {
    const waits: Lines = [
      li(R.s1, 77),
      li(R.a0, FAULTS),
      li(R.a7, SYS_WAIT),
      ecall,
      add(R.s2, R.s1, R.s1),
    ];
    withThread(waits, function* () {
      yield* giveWay();
      expect((yield* read())[REG_PC]).toBe(TEXT + 12);
      yield* call(TCB, TCB_SUSPEND, []);
      yield* call(TCB, TCB_RESUME, []);
      yield* giveWay();
      const now = yield* read();

      expect(now[REG_PC]).toBe(TEXT + 12);
      expect(now[S2]).toBe(0);
    });
  });
});
