/**
 * The system calls of seL4's benchmark configuration: who has used the processor since the
 * measurement began.
 */

import {
  IPC_BUFFER_MESSAGE_WORD,
  REG_A0,
  SYS_BENCHMARK_FINALIZE_LOG,
  SYS_BENCHMARK_FLUSH_CACHES,
  SYS_BENCHMARK_GET_THREAD_UTILISATION,
  SYS_BENCHMARK_NULL_SYSCALL,
  SYS_BENCHMARK_RESET_ALL_THREADS_UTILISATION,
  SYS_BENCHMARK_RESET_LOG,
  SYS_BENCHMARK_RESET_THREAD_UTILISATION,
} from './abi.ts';
import { lookupIpcBuffer } from './ipc/message-registers.ts';
import { lookupSlot } from './objects/cspace.ts';
import type { Tcb } from './objects/objects.ts';
import { Utilisation } from './sched/utilisation.ts';
import type { KernelState } from './state.ts';

/** @returns false when the number is none of these calls */
export function handleBenchmarkCall(k: KernelState, number: number): boolean {
  switch (number) {
    case SYS_BENCHMARK_FLUSH_CACHES:
    case SYS_BENCHMARK_NULL_SYSCALL:
      return true;
    case SYS_BENCHMARK_RESET_LOG:
      utilisationOf(k).start();
      setResult(k, 0);
      return true;
    case SYS_BENCHMARK_FINALIZE_LOG:
      utilisationOf(k).stop();
      setResult(k, 0);
      return true;
    case SYS_BENCHMARK_GET_THREAD_UTILISATION:
      answer(k);
      return true;
    case SYS_BENCHMARK_RESET_THREAD_UTILISATION: {
      const tcb = threadInA0(k);
      if (tcb !== undefined) utilisationOf(k).reset(tcb);
      return true;
    }
    case SYS_BENCHMARK_RESET_ALL_THREADS_UTILISATION:
      utilisationOf(k).reset(undefined);
      return true;
    default:
      return false;
  }
}

function utilisationOf(k: KernelState): Utilisation {
  k.utilisation ??= new Utilisation(k);
  return k.utilisation;
}

function setResult(k: KernelState, value: number): void {
  k.current.regs[REG_A0 << 1] = value;
  k.current.regs[(REG_A0 << 1) + 1] = 0;
}

/** As 64-bit words from the first message register on. */
function answer(k: KernelState): void {
  const tcb = threadInA0(k);
  const bufferAt = lookupIpcBuffer(k, k.current, 'receive');
  if (tcb === undefined || bufferAt < 0) return;
  utilisationOf(k)
    .answer(tcb)
    .forEach((word, index) => {
      const at = bufferAt + ((IPC_BUFFER_MESSAGE_WORD + index) << 1);
      k.u32[at] = word >>> 0;
      k.u32[at + 1] = Math.floor(word / 2 ** 32);
    });
}

function threadInA0(k: KernelState): Tcb | undefined {
  const { regs } = k.current;
  const slot = lookupSlot(
    k,
    k.current,
    regs[REG_A0 << 1] as number,
    regs[(REG_A0 << 1) + 1] as number,
  );
  return slot?.cap.kind === 'thread' ? slot.cap.tcb : undefined;
}
