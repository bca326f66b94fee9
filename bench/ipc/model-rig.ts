/** A rig of one of the models: two tasks with memory for messages, and a thread in each. */

import { type ModelBody, spawnGenerator } from '../../ipc-models/generator-program.ts';
import { makeModelKernel } from './model-machine.ts';
import type { ModelKernel } from '../../ipc-models/model-kernel.ts';
import type { ModelThread, Program, Task } from '../../ipc-models/model-thread.ts';
import {
  type IpcCounts,
  type IpcRig,
  Meter,
  prioritiesOf,
  type RigClock,
  type Workload,
} from './rig.ts';

/** Where a task has its arguments, and the buffers of messages that go out and come in. */
export const ARGUMENTS_AT = 0x1000;
export const OUT_AT = 0x1_0000;
export const IN_AT = 0x4_0000;
const BUFFER_BYTES = 0x1_2000;
const SET_UP_PRIORITY = 200;

export interface Side {
  readonly task: Task;
  /** What the task does first; its results are for the program to use. */
  readonly setUp: (thread: ModelThread) => ModelBody;
  readonly start: (thread: ModelThread) => Program;
}

export interface ModelRigParts {
  readonly kernel: ModelKernel;
  readonly meter: Meter;
  readonly workload: Workload;
  readonly sender: Side;
  readonly receiver: Side;
}

export function startModel(clock: RigClock): {
  kernel: ModelKernel;
  meter: Meter;
  makeTask: (name: string) => Task;
} {
  const kernel = makeModelKernel(clock);
  const makeTask = (name: string): Task => {
    const task = kernel.makeTask(name);
    task.space.allocateAt(ARGUMENTS_AT, 0x2000);
    task.space.allocateAt(OUT_AT, BUFFER_BYTES);
    task.space.allocateAt(IN_AT, BUFFER_BYTES);
    return task;
  };
  return { kernel, meter: new Meter(), makeTask };
}

/** The receiver is set up first, and the sender's set-up finds what the receiver has made. */
export function modelRig(parts: ModelRigParts): IpcRig {
  const { kernel, meter, workload } = parts;
  const priorities = prioritiesOf(workload);
  startSide(kernel, parts.receiver, priorities.receiver);
  // Up to where it waits for the first message.
  kernel.run(Infinity);
  startSide(kernel, parts.sender, priorities.sender);
  return {
    meter,
    run: (untilNs) => void kernel.run(untilNs),
    now: () => kernel.now(),
    counts: () => countsOf(kernel),
    peakBytes: () => kernel.heap.peakBytes,
  };
}

function startSide(kernel: ModelKernel, side: Side, priority: number): void {
  // The program is there before the set-up ends: with its last thread a task would lose what it has
  // open.
  kernel.spawn({
    task: side.task,
    priority,
    start: (thread) => new LateProgram(thread, side.start),
  });
  spawnGenerator(kernel, { task: side.task, priority: SET_UP_PRIORITY, body: side.setUp });
}

/** Is made when its thread first runs: what the set-up has found is known then. */
class LateProgram implements Program {
  readonly #thread: ModelThread;
  readonly #start: (thread: ModelThread) => Program;

  constructor(thread: ModelThread, start: (thread: ModelThread) => Program) {
    this.#thread = thread;
    this.#start = start;
  }

  resume(): void {
    const program = this.#start(this.#thread);
    this.#thread.load(program);
    program.resume();
  }
}

function countsOf({ scheduler, counters, heap }: ModelKernel): IpcCounts {
  return {
    copies: counters.copies,
    bytesCopied: counters.bytesCopied,
    kernelBytes: heap.allocatedBytes,
    kernelEntries: scheduler.counters.kernelEntries,
    switches: scheduler.counters.contextSwitches,
    lookups: counters.nameLookups,
    pageMappings: counters.pageMappings,
  };
}

/** A system call that must not fail: negative results do. */
export function checkResult(thread: ModelThread, what: string): number {
  if (thread.result < 0) throw new Error(`${what}: error ${-thread.result}`);
  return thread.result;
}
