/**
 * Goal: what is broken in the kernel between two looks is said at the next, with the entry after
 * which it was seen; memory is looked at where everything is. Method: a system at rest, a hand on
 * its kernel's state, and exits of the kernel counted out.
 */

import { describe, expect, it } from 'vitest';
import type { KernelObject, Tcb } from '../../kernel/objects/objects.ts';
import { Census } from '../../kernel/inspect/census.ts';
import { hello } from '../../systems/microkit-examples/hello.ts';
import { completeChoices } from '../../systems/system.ts';
import { createTestbed } from '../../systems/testbed.ts';
import { KernelWatch, STRIKES_MAX } from './kernel-watch.ts';

const built = hello.build(completeChoices(hello, {}));
if (!built.ok) throw new Error('the system is built');
const { system } = built;

function watched(wholeEvery: number, entriesMax?: number, strikes = { length: 0 }) {
  const census = new Census();
  const testbed = createTestbed({
    system,
    clock: 'virtual',
    ramBytes: 0x40_0000,
    onCreate: census.onCreate,
  });
  testbed.settle();
  const { kernel, board } = testbed;
  const watch = new KernelWatch(kernel.state, census, wholeEvery, strikes, entriesMax);
  const exits = (count: number): void => {
    for (let i = 0; i < count; i += 1) kernel.state.onExit?.();
  };
  const thread = census.objects.find(isThread);
  if (thread === undefined) throw new Error('the system has a thread');
  return { watch, exits, thread, ram: board.ram };
}

const isThread = (object: KernelObject): object is Tcb => object.kind === 'tcb';

describe('the watch over a kernel', () => {
  it('says nothing of a kernel that is well, and leaves it as it was', () => {
    const { watch, exits } = watched(1);
    exits(200);
    expect(watch.end('all')).toEqual([]);
  });

  it('ends a world in which there is no end of kernel entries', () => {
    const { exits } = watched(0, 200);
    exits(200);
    expect(() => exits(1)).toThrow('the world does not end: 200 kernel entries after boot');
  });

  it('ends a world in which there is no end of faults', () => {
    const strikes = { length: STRIKES_MAX };
    const { exits } = watched(0, 200, strikes);
    exits(1);
    strikes.length += 1;
    expect(() => exits(1)).toThrow(`the world does not end: ${STRIKES_MAX} faults have struck`);
  });

  it('looks at threads after every 64th entry', () => {
    const { watch, exits, thread } = watched(0);
    exits(60);
    thread.isQueued = !thread.isQueued;
    exits(3);
    thread.isQueued = !thread.isQueued;
    exits(1);
    thread.isQueued = !thread.isQueued;
    exits(64);
    thread.isQueued = !thread.isQueued;
    exits(64);
    const [line = '', ...more] = watch.end('threads');
    expect(more).toEqual([]);
    expect(line).toMatch(/^128 kernel entries after boot: invariant \d+: tcb/);
  });

  it('looks at memory when everything is looked at, and not before', () => {
    for (const [wholeEvery, extent, says] of [
      [0, 'threads', 0],
      [0, 'all', 1],
      [300, 'threads', 1],
    ] as const) {
      const { watch, exits, ram } = watched(wholeEvery);
      // The middle of RAM is free memory.
      ram.u8[ram.sizeBytes / 2 + 5] = 1;
      exits(300);
      expect(watch.end(extent), `${wholeEvery} ${extent}`).toHaveLength(says);
    }
  });
});
