/**
 * One function of the text as one WebAssembly function.
 *
 *     (hart: i32, entry: i32, depth: i32) → pc: i64
 *
 * It loads the integer registers that it needs from the hart's block, runs, writes them back, and
 * returns where the program goes on. To its caller, that is the return address, if all went well;
 * anything else is returned further, up to whoever entered translated code. An odd pc says that the
 * interpreter is to execute the instruction there.
 */

import { assert } from '../../memory/assert.ts';
import { Code, type FunctionBody, type Label } from '../../memory/wasm/code.ts';
import { ACCESS, OP, TYPE } from '../../memory/wasm/opcodes.ts';
import type { BulkName } from '../bulk/functions.ts';
import { type CoverageMap, type Noted, NOTED } from '../coverage/map.ts';
import type { Instruction } from '../decode.ts';
import { BRANCHES, HART, NS_PER_TICK, SLOT_OF_X } from '../hart.ts';
import { OPERATIONS } from '../operations.ts';
import { Accesses } from './access.ts';
import type { AccessGroup } from './access-group.ts';
import { type Checks, OpenGroups } from './access-groups.ts';
import type { AffineLoop } from './affine-loops.ts';
import { arithmeticOf } from './arithmetic.ts';
import { Atomics, isAtomic } from './atomic.ts';
import { type FastLoopLocals, writeCharge, writeRounds } from './fast-loop.ts';
import { COUNTER, isCounterRead } from './counters.ts';
import { AREA } from './engine-area.ts';
import { ENTRY_BITS } from './entry-points.ts';
import { Exits } from './exits.ts';
import { Floats, needsFloatingPoint } from './float.ts';
import type { BlockEnd } from './flow.ts';
import type { FlowNode } from './flow-graph.ts';
import type { FunctionPlan } from './function-plan.ts';
import { type Block, isInterpreted, LINKS } from './functions.ts';
import { bitOf, registersIn, writesOf } from './register-flow.ts';
import { type Flow, type NodeWriter, writeStructured } from './structure.ts';
import type { RunCaches } from './run-caches.ts';
import { type Cache, HART_LOCAL, type Helpers, type Writing } from './writing.ts';

const ENTRY_LOCAL = 1;
const DEPTH_LOCAL = 2;
const PARAMETERS = 3;

/** Calls that are open at the same time; the host's stack is not the program's. */
const MOST_DEPTH = 100;

/** Where another function of the text is entered. */
export interface Callee {
  /** Undefined when it is not of this module. */
  readonly functionIndex: number | undefined;
  readonly entry: number;
}

/** What a function needs to know of the module around it. */
export interface Surroundings {
  readonly helpers: Helpers;
  readonly caches: RunCaches;
  /** @returns the function that can be entered at an address, if there is one */
  calleeAt(pc: number): Callee | undefined;
  /** Number of the function that does the whole of this one at once: (hart) → whether it has. */
  readonly atOnce: number | undefined;
  /**
   * @returns number of the function that does a bulk function: see `BULK_SIGNATURE`
   */
  bulkFunction(name: BulkName): number;
  /** Number of the host's function that accesses a device: see `RuntimeFunctions`. */
  readonly device: number;
  /** Number of this function in the text's table. */
  readonly index: number;
  /** Where it is noted what is executed, if anybody wants to know. */
  readonly coverage: CoverageMap | undefined;
}

/** @returns the function's body, for `ModuleWriter.function` */
export function writeFunction(plan: FunctionPlan, surroundings: Surroundings): FunctionBody {
  // Once to see how it is left, and once with these exits.
  const draft = new FunctionWriter(plan, surroundings, new Exits([]));
  draft.write();
  return new FunctionWriter(plan, surroundings, new Exits(draft.left)).write();
}

/** A place in a block's code. */
interface Place {
  readonly node: number;
  readonly block: number;
  readonly flow: Flow;
  /** Registers that the hart's block does not have yet. */
  readonly dirty: number;
  /** Instructions that are charged and not executed. */
  readonly charged: number;
  /**
   * In the rounds of a fast loop: the local that counts those that are charged, this one among
   * them; their length.
   */
  readonly rounds?: { readonly local: number; readonly length: number } | undefined;
}

class FunctionWriter implements Writing, NodeWriter {
  readonly code = new Code(PARAMETERS);
  /** Registers that are dirty at each place that leaves. */
  readonly left: number[] = [];
  readonly #exits: Exits;
  readonly helpers: Helpers;
  readonly #plan: FunctionPlan;
  readonly #surroundings: Surroundings;
  readonly #localOf = new Map<number, number>();
  readonly #budget = this.code.local(TYPE.i32);
  readonly #pc = this.code.local(TYPE.i64);
  readonly #accesses: Accesses;
  readonly #floats: Floats = new Floats(this);
  readonly #atomics: Atomics;
  #fastLocals: FastLoopLocals | undefined;
  /** What a function that is done at once counts as: of no meaning between calls. */
  #bulkCharge: number | undefined;
  /** Where the block begins that is being written. */
  #blockPc = 0;
  /**
   * In a function with cases: where it is entered again, with `entry` set and all registers in the
   * hart's block.
   */
  #again: Label | undefined;

  constructor(plan: FunctionPlan, surroundings: Surroundings, exits: Exits) {
    this.#exits = exits;
    this.#plan = plan;
    this.#surroundings = surroundings;
    this.helpers = surroundings.helpers;
    for (const x of registersIn(plan.registers.used)) {
      this.#localOf.set(x, this.code.local(TYPE.i64));
    }
    this.#accesses = new Accesses(this);
    this.#atomics = new Atomics(this, this.#accesses);
  }

  write(): FunctionBody {
    const { code } = this;
    const { registers, entries, structure } = this.#plan;
    const { atOnce } = this.#surroundings;
    this.#exits.open(code);
    this.#writeCalled(atOnce);
    if (this.#plan.guest.cases.length > 0) this.#again = code.loop();
    const atStart = registers.live[0] as number;
    const elsewhere = entries.reduce((mask, block) => mask | (registers.live[block] as number), 0);
    this.#load(atStart);
    if ((elsewhere & ~atStart) !== 0) {
      code.get(ENTRY_LOCAL);
      code.ifRarely();
      this.#loadRegisters(elsewhere & ~atStart);
      code.end();
    }
    writeStructured(code, structure, this);
    if (this.#again !== undefined) code.end();
    code.op(OP.unreachable);
    this.#exits.close(
      code,
      (x) => this.#storeRegisters(bitOf(x)),
      () => this.#writeLeft(),
    );
    return code.finish();
  }

  /** Called or jumped to from outside: records that, and tries to do the function at once. */
  #writeCalled(atOnce: number | undefined): void {
    const { code } = this;
    if (atOnce === undefined && !this.#calls()) return;
    code.get(ENTRY_LOCAL);
    code.op(OP.i32Eqz);
    code.if();
    if (this.#calls()) this.#recordCall((this.#plan.guest.blocks[0] as Block).pc);
    if (atOnce !== undefined) this.#writeAtOnce(atOnce);
    code.end();
  }

  /**
   * Whether it calls others. One that does not shows by the pc, and would cost too much for its
   * length.
   */
  #calls(): boolean {
    const { blocks } = this.#plan.guest;
    return blocks.some(({ end }) => CALLS.has(end.kind));
  }

  /** An entry of `HART.branches`. */
  #recordCall(pc: number): void {
    const { code } = this;
    const count = code.local(TYPE.i32);
    code.get(HART_LOCAL);
    code.get(HART_LOCAL);
    code.access(ACCESS.i32Load, HART.branchCount);
    code.tee(count);
    code.i32(1);
    code.op(OP.i32Add);
    code.access(ACCESS.i32Store, HART.branchCount);
    code.get(count);
    code.i32(BRANCHES - 1);
    code.op(OP.i32And);
    code.i32(3);
    code.op(OP.i32Shl);
    code.get(HART_LOCAL);
    code.op(OP.i32Add);
    code.i64(pc + 1);
    code.access(ACCESS.i64Store, HART.branches);
  }

  #writeAtOnce(atOnce: number): void {
    const { code } = this;
    code.get(HART_LOCAL);
    code.call(atOnce);
    code.if();
    code.get(HART_LOCAL);
    code.access(ACCESS.i64Load, offsetOf(RETURN_ADDRESS));
    code.i64(-2);
    code.op(OP.i64And);
    code.op(OP.return);
    code.end();
  }

  needsLabels(node: number): boolean {
    const what = this.#plan.graph.nodes[node];
    if (what?.kind === 'block') return this.#affineLoopAt(node, what.block) !== undefined;
    return what?.kind === 'dispatch' && what.routes.size > 0;
  }

  writeNode(node: number, flow: Flow): void {
    const { code } = this;
    const what = this.#plan.graph.nodes[node] as FlowNode;
    switch (what.kind) {
      case 'block':
        this.#writeBlock(node, what.block, flow);
        return;
      case 'dispatch':
        this.#writeDispatch(node, what, flow);
        return;
      case 'landing':
        code.i32(0);
        code.set(ENTRY_LOCAL);
        this.#writeChecks(node, what.target, flow);
        flow.goTo(node, what.target);
        return;
      case 'choice':
        code.i32(what.entry);
        code.set(ENTRY_LOCAL);
        flow.goTo(node, what.dispatch);
        return;
    }
  }

  get(x: number): void {
    if (x === 0) this.code.i64(0);
    else this.code.get(this.#local(x));
  }

  get32(x: number): void {
    if (x === 0) {
      this.code.i32(0);
      return;
    }
    this.code.get(this.#local(x));
    this.code.op(OP.i32WrapI64);
  }

  set(x: number): void {
    if (x === 0) this.code.op(OP.drop);
    else this.code.set(this.#local(x));
  }

  cacheOf({ base, isWrite, first, low, high }: AccessGroup): Cache {
    const { caches } = this.#surroundings;
    if (first < 0) return caches.cacheOf(base, isWrite);
    return caches.cacheOf(base, isWrite, { number: this.#blockPc + first, span: high - low });
  }

  #writeDispatch(
    node: number,
    { otherwise, routes }: Extract<FlowNode, { kind: 'dispatch' }>,
    flow: Flow,
  ): void {
    const { code } = this;
    if (routes.size === 0) {
      flow.goTo(node, otherwise);
      return;
    }
    const usual = flow.labelOf(node, otherwise);
    code.get(ENTRY_LOCAL);
    code.op(OP.i32Eqz);
    code.brIf(usual);
    const first = Math.min(...routes.keys());
    const last = Math.max(...routes.keys());
    const labels: Label[] = [];
    for (let entry = first; entry <= last; entry += 1) {
      labels.push(flow.labelOf(node, routes.get(entry) ?? otherwise));
    }
    code.get(ENTRY_LOCAL);
    code.i32(first);
    code.op(OP.i32Sub);
    code.brTable(labels, usual);
  }

  /** What has been checked on every other way to a block. */
  #writeChecks(node: number, target: number, flow: Flow): void {
    const { graph, checks, registers, guest } = this.#plan;
    const what = graph.nodes[target];
    if (what?.kind !== 'block') return;
    const { block } = what;
    const { pc } = guest.blocks[block] as Block;
    this.#blockPc = pc;
    const place = { node, block, flow, dirty: registers.dirty[block] as number, charged: 0 };
    for (const group of checks[block] as Checks) {
      if (group !== undefined) this.#accesses.check(group, () => this.#leaveAt(place, pc));
    }
  }

  #writeBlock(node: number, block: number, flow: Flow): void {
    const { charges, registers, groups } = this.#plan;
    const { pc, end } = this.#plan.guest.blocks[block] as Block;
    this.#blockPc = pc;
    const place: Place = {
      node,
      block,
      flow,
      dirty: registers.dirty[block] as number,
      charged: charges.ahead(block),
    };
    const loop = this.#affineLoopAt(node, block);
    if (loop !== undefined) this.#writeFastLoop(place, loop);
    if (charges.isCheckpoint(block)) this.#charge(place, pc);
    this.#note(pc, NOTED.begun);
    const {
      last,
      at,
      place: atEnd,
    } = this.#writeInstructions(place, groups[block] ?? [], new Set());
    if (last === undefined || end.kind === 'fall') this.#goTo(atEnd, at);
    else this.#writeEnd(atEnd, last, at);
  }

  /**
   * All of a block but its end.
   *
   * @param inside groups that are known to be inside their runs
   * @returns where the end is
   */
  #writeInstructions(
    begin: Place,
    groups: readonly (AccessGroup | undefined)[],
    inside: ReadonlySet<AccessGroup>,
  ): { last: Instruction | undefined; at: number; place: Place } {
    const { pc: start, instructions, end } = this.#plan.guest.blocks[begin.block] as Block;
    const plain = end.kind === 'fall' ? instructions.length : instructions.length - 1;
    let place = begin;
    let pc = start;
    let isFloatEnabled = false;
    const open = new OpenGroups(this.#plan.checks[begin.block]);
    const sites = this.#plan.deviceSites[begin.block];
    for (const [index, instruction] of instructions.slice(0, plain).entries()) {
      const group = groups[index];
      const here = { place, pc };
      const leave = (): void => this.#leaveAt(here.place, here.pc);
      if (!isFloatEnabled && needsFloatingPoint(instruction.op)) {
        this.#floats.checkEnabled(leave);
        isFloatEnabled = true;
      }
      if (group !== undefined && groups.indexOf(group) === index && !open.covers(group)) {
        if (inside.has(group)) this.#accesses.locate(group);
        else this.#accesses.check(group, leave);
        open.add(group);
      }
      if (group !== undefined) this.#accesses.write(instruction, open.of(group));
      else if (sites?.has(index) === true)
        this.#writeDeviceAccess({ place, pc, index }, instruction);
      else if (isCounterRead(instruction)) this.#writeCounter(place, instruction);
      else this.#writePlain(instruction, pc, leave);
      open.forget(writesOf(instruction));
      const dirty = this.#dirtyAfter(place, instructions, index);
      place = { ...place, dirty, charged: place.charged - 1 };
      pc += instruction.length;
    }
    return { last: instructions[plain], at: pc, place };
  }

  /** Only where the block goes straight back to itself, with no dispatch node in between. */
  #affineLoopAt(node: number, block: number): AffineLoop | undefined {
    const { affineLoops, graph, charges } = this.#plan;
    const isOwnHead = graph.nodeFor(block, block) === node && charges.isCheckpoint(block);
    return isOwnHead ? affineLoops[block] : undefined;
  }

  /** See `../coverage/map.ts`. */
  #note(pc: number, noted: Noted): void {
    const place = this.#surroundings.coverage?.placeOf(pc, noted) ?? -1;
    if (place < 0) return;
    this.code.i32(place);
    this.code.i32(1);
    this.code.access(ACCESS.i32Store8, 0);
  }

  /** See `fast-loop.ts`. */
  #writeFastLoop(begin: Place, loop: AffineLoop): void {
    const { code } = this;
    const { pc, instructions, end } = this.#plan.guest.blocks[begin.block] as Block;
    const { length } = instructions;
    this.#fastLocals ??= { rounds: code.local(TYPE.i32), scratch: code.local(TYPE.i64) };
    const { rounds } = this.#fastLocals;
    const budget = this.#budget;
    writeRounds(this, loop, { budget, length, locals: this.#fastLocals });
    code.get(rounds);
    code.if();
    writeCharge(code, budget, { rounds, length, isBack: false });
    this.#note(pc, NOTED.begun);
    const again = code.loop();
    const inside = new Set(loop.walks.map(({ group }) => group));
    const place = { ...begin, charged: length, rounds: { local: rounds, length } };
    const { last, at, place: atEnd } = this.#writeInstructions(place, loop.groups, inside);
    if (last !== undefined) this.#writeCondition(last);
    code.if();
    this.#note(at, NOTED.taken);
    code.get(rounds);
    code.i32(1);
    code.op(OP.i32Sub);
    code.tee(rounds);
    code.brIf(again);
    this.#goTo({ ...atEnd, charged: 0, rounds: undefined }, pc);
    code.end();
    this.#note(at, NOTED.notTaken);
    if (end.kind === 'branch') this.#goTo({ ...atEnd, charged: 0 }, end.next);
    code.end();
    code.end();
  }

  /** Writes a register back at once where that is better, see `RegisterFlow.writtenThrough`. */
  #dirtyAfter(place: Place, instructions: readonly Instruction[], index: number): number {
    const written = writesOf(instructions[index] as Instruction);
    const through = written & (this.#plan.registers.writtenThrough[place.block] as number);
    if (through === 0) return place.dirty | written;
    const isLast = instructions.every((later, at) => at <= index || writesOf(later) !== written);
    if (!isLast) return place.dirty | written;
    this.#storeRegisters(through);
    return place.dirty & ~through;
  }

  /**
   * Takes from `remaining` what may be executed before the next checkpoint; leaves when there is
   * less.
   */
  #charge(place: Place, pc: number): void {
    const { code } = this;
    if (place.charged === 0) return;
    code.get(this.#budget);
    code.i32(place.charged);
    code.op(OP.i32Sub);
    code.tee(this.#budget);
    code.i32(0);
    code.op(OP.i32LtS);
    code.ifRarely();
    this.#leaveAt(place, pc);
    code.end();
  }

  #writePlain(instruction: Instruction, pc: number, leave: () => void): void {
    if (isAtomic(instruction.op)) {
      this.#atomics.write(instruction, leave);
      return;
    }
    if (needsFloatingPoint(instruction.op)) {
      this.#floats.write(instruction, leave);
      return;
    }
    if (writesOf(instruction) === 0) return;
    const arithmetic = arithmeticOf(instruction.op);
    assert(arithmetic !== undefined, 'a block has translated instructions and its end');
    arithmetic(this, instruction, pc);
    this.set(instruction.rd);
  }

  /**
   * Has the host access a device, with all registers in the hart's block; if it is none, accesses
   * memory.
   */
  #writeDeviceAccess(
    { place, pc, index }: { place: Place; pc: number; index: number },
    instruction: Instruction,
  ): void {
    const { code } = this;
    const behind = { ...place, dirty: 0, charged: place.charged - 1 };
    const serve = (done: Label): void => {
      this.#storeRegisters(place.dirty);
      code.get(HART_LOCAL);
      this.#putRemaining(place);
      code.access(ACCESS.i32Store, HART.remaining);
      code.get(HART_LOCAL);
      code.i32(pc % 2 ** 32);
      code.i32(Math.floor(pc / 2 ** 32));
      code.call(this.#surroundings.device);
      code.if();
      this.#loadRegisters(writesOf(instruction));
      code.get(HART_LOCAL);
      code.access(ACCESS.i32Load, HART.remaining);
      code.i32(behind.charged);
      code.op(OP.i32Sub);
      code.tee(this.#budget);
      code.i32(0);
      code.op(OP.i32GeS);
      code.brIf(done);
      this.#leaveAt(behind, pc + instruction.length);
      code.end();
    };
    const leave = (): void => this.#leaveAt(place, pc);
    this.#accesses.writeApart(instruction, index, { serve, leave });
  }

  /** See `counters.ts`. */
  #writeCounter(place: Place, { rd, imm }: Instruction): void {
    const { code } = this;
    code.get(HART_LOCAL);
    if (imm === COUNTER.instret) {
      code.access(ACCESS.i64Load, AREA.granted);
      this.#putRemaining(place);
      code.op(OP.i64ExtendI32U);
      code.op(OP.i64Sub);
    } else {
      this.#putRemaining(place);
      code.call(this.helpers.nanoseconds);
      if (imm === COUNTER.time) {
        code.i64(NS_PER_TICK);
        code.op(OP.i64DivU);
      }
    }
    this.set(rd);
  }

  /** Instructions that remain, the one at this place among them. */
  #putRemaining({ charged, rounds }: Place): void {
    const { code } = this;
    code.get(this.#budget);
    if (rounds !== undefined) {
      code.get(rounds.local);
      code.i32(rounds.length);
      code.op(OP.i32Mul);
      code.op(OP.i32Add);
    }
    code.i32(charged - (rounds?.length ?? 0));
    code.op(OP.i32Add);
  }

  #writeEnd(before: Place, last: Instruction, pc: number): void {
    const { end } = this.#plan.guest.blocks[before.block] as Block;
    const isExecuted = !isInterpreted(end);
    const place = isExecuted
      ? { ...before, dirty: before.dirty | writesOf(last), charged: before.charged - 1 }
      : before;
    switch (end.kind) {
      case 'jump':
        this.#goTo(place, end.target);
        return;
      case 'branch':
        this.#writeCondition(last);
        this.code.if();
        this.#note(pc, NOTED.taken);
        this.#goTo(place, end.target);
        this.code.end();
        this.#note(pc, NOTED.notTaken);
        this.#goTo(place, end.next);
        return;
      case 'call':
        this.#writeLink(last.rd, end.next);
        this.#writeCall(place, end.target);
        this.#writeReturn(place, end.next);
        return;
      case 'bulkCall':
        this.#writeLink(last.rd, end.next);
        this.#writeBulkCall(place, end);
        this.#goTo(place, end.next);
        return;
      case 'indirectCall':
        this.#writeTarget(last);
        this.#writeLink(last.rd, end.next);
        this.#writeDispatchedCall(place);
        this.#writeReturn(place, end.next);
        return;
      case 'indirect':
        this.#writeTarget(last);
        this.#writeIndirect(place, last);
        return;
      case 'leave':
      case 'stop':
        this.#leaveAt(place, pc);
        return;
      case 'fall':
        assert(false, 'a block that falls through has no instruction of its own as its end');
    }
  }

  #writeCondition({ op, rs1, rs2 }: Instruction): void {
    const opcode = CONDITIONS[OPERATIONS[op]?.name ?? ''];
    assert(opcode !== undefined, 'every branch has a condition');
    this.get(rs1);
    this.get(rs2);
    this.code.op(opcode);
  }

  /** Goes to another block of this function, to another function, or out. */
  #goTo(place: Place, pc: number): void {
    const { guest, graph, charges } = this.#plan;
    const block = guest.indexOf.get(pc);
    if (block !== undefined) {
      const needed = charges.isCheckpoint(block) ? 0 : charges.ahead(block);
      this.#giveBack(place, needed);
      place.flow.goTo(place.node, graph.nodeFor(place.block, block));
      return;
    }
    this.#giveBack(place, 0);
    this.#writeCall(place, pc);
    this.code.op(OP.return);
  }

  /**
   * Puts what the callee returns on the stack; leaves to an address where there is none, or where
   * no more calls may be open.
   */
  #writeCall(place: Place, pc: number): void {
    const { code } = this;
    const callee = this.#surroundings.calleeAt(pc);
    if (callee !== undefined && callee.functionIndex === undefined) {
      code.i64(pc);
      code.set(this.#pc);
      this.#writeDispatchedCall(place);
      return;
    }
    this.#sync(place);
    if (callee?.functionIndex === undefined) {
      code.i64(pc);
      return;
    }
    this.#checkDepth(() => code.i64(pc));
    code.get(HART_LOCAL);
    code.i32(callee.entry);
    this.#putDepth();
    code.call(callee.functionIndex);
  }

  /**
   * Has the function done at once; if that is not possible, calls it, and returns to wherever it
   * has returned. All that is executed behind it has been charged.
   */
  #writeBulkCall(
    place: Place,
    { name, target, next }: Extract<BlockEnd, { kind: 'bulkCall' }>,
  ): void {
    const { code } = this;
    const charge = (this.#bulkCharge ??= code.local(TYPE.i32));
    code.get(HART_LOCAL);
    for (const x of BULK_ARGUMENTS) this.get(x);
    this.#putRemaining(place);
    code.call(this.#surroundings.bulkFunction(name));
    code.tee(charge);
    code.op(OP.i32Eqz);
    code.ifRarely();
    this.#giveBack(place, 0);
    this.#writeCall(place, target);
    code.op(OP.return);
    code.end();
    code.get(this.#budget);
    code.get(charge);
    code.op(OP.i32Sub);
    code.tee(this.#budget);
    code.i32(0);
    code.op(OP.i32LtS);
    code.ifRarely();
    this.#leaveAt(place, next);
    code.end();
  }

  /** The same, of the address in the local `pc`. */
  #writeDispatchedCall(place: Place): void {
    const { code } = this;
    this.#sync(place);
    this.#checkDepth(() => code.get(this.#pc));
    code.get(HART_LOCAL);
    this.#putDepth();
    code.get(this.#pc);
    code.call(this.helpers.dispatch);
  }

  #checkDepth(putPc: () => void): void {
    const { code } = this;
    code.get(DEPTH_LOCAL);
    code.i32(MOST_DEPTH);
    code.op(OP.i32GeS);
    code.ifRarely();
    putPc();
    code.op(OP.return);
    code.end();
  }

  #putDepth(): void {
    this.code.get(DEPTH_LOCAL);
    this.code.i32(1);
    this.code.op(OP.i32Add);
  }

  /**
   * Behind a call: goes on when it has come back here, and returns further what is somewhere else.
   */
  #writeReturn(place: Place, next: number): void {
    const { code } = this;
    const { guest, registers } = this.#plan;
    code.tee(this.#pc);
    code.i64(next);
    code.op(OP.i64Ne);
    code.ifRarely();
    code.get(this.#pc);
    code.op(OP.return);
    code.end();
    const block = guest.indexOf.get(next);
    this.#load(block === undefined ? 0 : (registers.live[block] as number));
    this.#goTo({ ...place, dirty: 0, charged: 0 }, next);
  }

  /** A return goes back to the caller; any other jump is to code that will return in our place. */
  #writeIndirect(place: Place, { rs1 }: Instruction): void {
    if (LINKS.includes(rs1)) {
      this.#sync(place);
      this.code.get(this.#pc);
    } else {
      if (this.#again !== undefined) this.#goToCase(place, this.#again);
      this.#writeDispatchedCall(place);
    }
    this.code.op(OP.return);
  }

  /** Goes on in this function if the address in the local `pc` is one of its entries. */
  #goToCase(place: Place, again: Label): void {
    const { code } = this;
    this.#sync(place);
    code.get(HART_LOCAL);
    code.get(this.#pc);
    code.call(this.helpers.entryAt);
    code.i32((this.#surroundings.index << ENTRY_BITS) + 1);
    code.op(OP.i32Sub);
    code.tee(ENTRY_LOCAL);
    code.i32(1 << ENTRY_BITS);
    code.op(OP.i32LtU);
    code.brIf(again);
  }

  #writeTarget({ rs1, imm }: Instruction): void {
    const { code } = this;
    this.get(rs1);
    code.i64(imm);
    code.op(OP.i64Add);
    code.i64(-2);
    code.op(OP.i64And);
    code.set(this.#pc);
  }

  #writeLink(rd: number, next: number): void {
    this.code.i64(next);
    this.set(rd);
  }

  /** Leaves an instruction to the interpreter. */
  #leaveAt(place: Place, pc: number): void {
    const { code } = this;
    this.left.push(place.dirty);
    this.#giveBack(place, 0);
    code.i64(pc + 1);
    code.set(this.#pc);
    const exit = this.#exits.labelOf(place.dirty);
    if (exit !== undefined) {
      code.br(exit);
      return;
    }
    this.#storeRegisters(place.dirty);
    this.#writeLeft();
  }

  /** The end of every exit: all registers are in the hart's block. */
  #writeLeft(): void {
    this.#storeBudget();
    this.code.get(this.#pc);
    this.code.op(OP.return);
  }

  /** Counts what is charged and will not be executed, but for what is needed from here on. */
  #giveBack({ charged, rounds }: Place, needed: number): void {
    const { code } = this;
    assert(charged >= needed, 'what is executed has been charged');
    if (rounds !== undefined) {
      writeCharge(code, this.#budget, {
        rounds: rounds.local,
        length: rounds.length,
        isBack: true,
      });
    }
    // The round that is left is among those given back.
    const instructions = charged - needed - (rounds?.length ?? 0);
    if (instructions === 0) return;
    code.get(this.#budget);
    code.i32(instructions);
    code.op(OP.i32Add);
    code.set(this.#budget);
  }

  /** Behind a call, or at the beginning: `remaining` and these registers from the hart's block. */
  #load(mask: number): void {
    this.code.get(HART_LOCAL);
    this.code.access(ACCESS.i32Load, HART.remaining);
    this.code.set(this.#budget);
    this.#loadRegisters(mask);
  }

  #loadRegisters(mask: number): void {
    const { code } = this;
    for (const x of registersIn(mask)) {
      code.get(HART_LOCAL);
      code.access(ACCESS.i64Load, offsetOf(x));
      code.set(this.#local(x));
    }
  }

  /**
   * Before the function is left, or calls: `remaining` and all dirty registers are in the hart's
   * block.
   */
  #sync({ dirty }: Place): void {
    this.#storeBudget();
    this.#storeRegisters(dirty);
  }

  #storeBudget(): void {
    const { code } = this;
    code.get(HART_LOCAL);
    code.get(this.#budget);
    code.access(ACCESS.i32Store, HART.remaining);
  }

  #storeRegisters(mask: number): void {
    const { code } = this;
    for (const x of registersIn(mask)) {
      code.get(HART_LOCAL);
      code.get(this.#local(x));
      code.access(ACCESS.i64Store, offsetOf(x));
    }
  }

  #local(x: number): number {
    const local = this.#localOf.get(x);
    assert(local !== undefined, 'every register that is used has a local');
    return local;
  }
}

const RETURN_ADDRESS = 1;
const CALLS: ReadonlySet<BlockEnd['kind']> = new Set(['call', 'indirectCall', 'bulkCall']);
const BULK_ARGUMENTS = [10, 11, 12] as const;

const CONDITIONS: Readonly<Record<string, number>> = {
  beq: OP.i64Eq,
  bne: OP.i64Ne,
  blt: OP.i64LtS,
  bge: OP.i64GeS,
  bltu: OP.i64LtU,
  bgeu: OP.i64GeU,
};

function offsetOf(x: number): number {
  return HART.registers + (SLOT_OF_X[x] as number) * 8;
}
