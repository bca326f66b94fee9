/** What a parent does to its children: invocations of their TCBs, which lie in its slots. */

import { NO_ERROR, TCB_RESUME, TCB_SUSPEND, TCB_WRITE_REGISTERS } from '../../kernel/abi.ts';
import type { UserThread } from '../../kernel/user.ts';
import { IPC_BUFFER_VADDR, SLOT_CHILD_TCB } from '../slots.ts';
import { SystemCalls } from '../system-calls.ts';
import type { PdProfile } from './profile.ts';

/** TCB_WriteRegisters resumes the thread. */
const RESUME_TARGET = 1;

/** Sets the child's program counter to one of its entry points and lets it run: `init` again. */
export function restartChild(
  thread: UserThread,
  profile: PdProfile,
  { child, memory }: { readonly child: number; readonly memory: 'as it is' | 'fresh' },
): void {
  const target = tcb(profile, child);
  const calls = new SystemCalls(thread, IPC_BUFFER_VADDR);
  calls.setWord(0, RESUME_TARGET);
  calls.setWord(1, 1); // one register: the program counter
  calls.setWord(2, entryOf(profile, child, memory));
  check(profile, child, 'restart', calls.invoke(target, TCB_WRITE_REGISTERS, 0, 3));
}

function entryOf(profile: PdProfile, child: number, memory: 'as it is' | 'fresh'): number {
  const entries = memory === 'fresh' ? profile.freshChildren : profile.children;
  const entry = entries.get(child);
  if (entry !== undefined) return entry;
  throw new Error(
    `${profile.name}: child ${child} is machine code, whose memory is as it is; restart it without 'fresh'`,
  );
}

export function stopChild(thread: UserThread, profile: PdProfile, child: number): void {
  const calls = new SystemCalls(thread, IPC_BUFFER_VADDR);
  check(profile, child, 'stop', calls.invoke(tcb(profile, child), TCB_SUSPEND, 0, 0));
}

export function resumeChild(thread: UserThread, profile: PdProfile, child: number): void {
  const calls = new SystemCalls(thread, IPC_BUFFER_VADDR);
  check(profile, child, 'resume', calls.invoke(tcb(profile, child), TCB_RESUME, 0, 0));
}

function tcb(profile: PdProfile, child: number): number {
  if (!profile.children.has(child)) throw new Error(`${profile.name} has no child ${child}`);
  return SLOT_CHILD_TCB + child;
}

function check(profile: PdProfile, child: number, what: string, error: number): void {
  if (error === NO_ERROR) return;
  throw new Error(`${profile.name}: to ${what} child ${child} was refused with error ${error}`);
}
