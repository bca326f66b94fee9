/**
 * For tests of Mach: messages as words, the calls that send and receive them, and tasks that are
 * connected by a port.
 */

import { type ModelBody, spawnGenerator } from '../../ipc-models/generator-program.ts';
import { makeModelKernel } from '../../bench/ipc/model-machine.ts';
import type { ModelThread, Task } from '../../ipc-models/model-thread.ts';
import {
  MACH_MSG,
  MACH_RCV_MSG,
  MACH_RCV_TIMEOUT,
  MACH_SEND_MSG,
  MACH_SEND_TIMEOUT,
  OOL_DESCRIPTOR,
  PORT_DESCRIPTOR,
} from '../../ipc-models/mach/abi.ts';
import { Mach } from '../../ipc-models/mach/mach.ts';
import { Port } from '../../ipc-models/mach/port.ts';

export const OUT = 0x1000;
export const IN = 0x1800;
export const BIG = 0x4000;
export const KMSG_OVERHEAD = 64 + 12;
export const SEND_RECEIVE = MACH_SEND_MSG | MACH_RCV_MSG;

export interface Header {
  readonly remote: number;
  readonly remoteAs: number;
  readonly local?: number;
  readonly localAs?: number;
  readonly id?: number;
}

/** Writes a header, and `words` behind it. @returns the size */
export function write(
  task: Task,
  header: Header,
  words: readonly number[] = [],
  isComplex = 0,
): number {
  const bits = header.remoteAs | ((header.localAs ?? 0) << 8);
  const size = 24 + words.length * 4;
  const all = [(bits | isComplex) >>> 0, size, header.remote, header.local ?? 0, 0, header.id ?? 0];
  [...all, ...words].forEach((value, i) => task.space.store32(OUT + i * 4, value));
  return size;
}

export function port(name: number, disposition: number): number[] {
  return [name, 0, ((disposition << 16) | (PORT_DESCRIPTOR << 24)) >>> 0];
}

export function outOfLine(address: number, bytes: number, copy: number, deallocate = 0): number[] {
  return [address, 0, (deallocate | (copy << 8) | (OOL_DESCRIPTOR << 24)) >>> 0, bytes];
}

export const send = (size: number): Call => [MACH_MSG, OUT, MACH_SEND_MSG, size];
export const receive = (name: number, limit = 512): Call => [
  MACH_MSG,
  IN,
  MACH_RCV_MSG,
  0,
  limit,
  name,
];
/** With an option and a time in ms. */
export function trySend(size: number, timeoutMs: number): Call {
  return [MACH_MSG, OUT, MACH_SEND_MSG | MACH_SEND_TIMEOUT, size, 0, 0, timeoutMs];
}
export function tryReceive(name: number, timeoutMs: number): Call {
  return [MACH_MSG, IN, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, 512, name, timeoutMs];
}
export type Call = [number, ...number[]];

export function setUp() {
  const kernel = makeModelKernel('virtual');
  const mach = new Mach(kernel);
  const makeTask = (name: string): Task => {
    const task = kernel.makeTask(name);
    task.space.allocateAt(0x1000, 0x1000);
    return task;
  };
  const run = (
    task: Task,
    priority: number,
    body: (thread: ModelThread) => ModelBody,
  ): ModelThread => spawnGenerator(kernel, { task, priority, body });
  /** A port that `server` receives from and `client` may send to: their names. */
  const connect = (server: Task, client: Task): { own: number; sending: number } => {
    const own = mach.spaceOf(server).copyOut(new Port(), 'receive');
    return { own, sending: mach.insertSendRight(server, own, client) };
  };
  return { kernel, mach, makeTask, run, connect };
}

/** A server with a port, and a client that may send to it. */
export function setUpPair() {
  const all = setUp();
  const server = all.makeTask('server');
  const client = all.makeTask('client');
  return { ...all, server, client, ...all.connect(server, client) };
}
