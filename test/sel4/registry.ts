/** All tests, in upstream's order of files. */

import { CANCEL_BADGED_SENDS_TESTS } from './cancel-badged-sends.ts';
import { CNODE_OPERATION_TESTS } from './cnodeops.ts';
import { CSPACE_TESTS } from './cspace.ts';
import { BOOTSTRAP_TESTS } from './bootstrap.ts';
import { NB_WAIT_TESTS } from './nbwait.ts';
import { IPC_RIGHTS_TESTS } from './ipc-rights.ts';
import { BINDING_TESTS } from './binding.ts';
import { IPC_PAIR_TESTS } from './ipc-pairs.ts';
import { IPC_TESTS } from './ipc.ts';
import { IPC_CHAIN_TESTS } from './ipc-chains.ts';
import { SCHED_CONTEXT_TESTS } from './schedcontext.ts';
import { SCHED_CONTEXT_CHAIN_TESTS } from './sched-context-chains.ts';
import { INTERRUPT_TESTS } from './interrupt.ts';
import { SCHEDULER_TESTS } from './scheduler.ts';
import { SCHEDULER_TIME_TESTS } from './scheduler-time.ts';
import { PREEMPTION_TESTS } from './preempt.ts';
import { FAULT_TESTS } from './faults.ts';
import { TIMEOUT_FAULT_TESTS } from './timeout-faults.ts';
import { FRAME_TESTS } from './frames.ts';
import { VSPACE_TESTS } from './vspace.ts';
import { REGRESSION_TESTS } from './regressions.ts';
import { IPC_GAP_TESTS } from './gaps-ipc.ts';
import { TIME_GAP_TESTS } from './gaps-time.ts';
import { MEMORY_GAP_TESTS } from './gaps-memory.ts';
import type { Sel4Test } from './driver/test.ts';
import { UNTYPED_TESTS } from './inc-untyped.ts';
import { THREAD_TESTS } from './threads.ts';
import { TRIVIAL_TESTS } from './trivial.ts';

export const TESTS: readonly Sel4Test[] = [
  ...TRIVIAL_TESTS,
  ...CNODE_OPERATION_TESTS,
  ...CSPACE_TESTS,
  ...CANCEL_BADGED_SENDS_TESTS,
  ...UNTYPED_TESTS,
  ...THREAD_TESTS,
  ...BOOTSTRAP_TESTS,
  ...NB_WAIT_TESTS,
  ...IPC_RIGHTS_TESTS,
  ...BINDING_TESTS,
  ...IPC_PAIR_TESTS,
  ...IPC_TESTS,
  ...IPC_CHAIN_TESTS,
  ...SCHED_CONTEXT_TESTS,
  ...SCHED_CONTEXT_CHAIN_TESTS,
  ...INTERRUPT_TESTS,
  ...SCHEDULER_TESTS,
  ...SCHEDULER_TIME_TESTS,
  ...PREEMPTION_TESTS,
  ...FAULT_TESTS,
  ...TIMEOUT_FAULT_TESTS,
  ...FRAME_TESTS,
  ...VSPACE_TESTS,
  ...REGRESSION_TESTS,
  ...IPC_GAP_TESTS,
  ...TIME_GAP_TESTS,
  ...MEMORY_GAP_TESTS,
];
