// A child that works slice by slice: what it answers, and what is said when it ends instead. The
// shell stands for a program in C.

import { describe, expect, it } from 'vitest';
import { compileNative, NativeProgram } from './native-program.ts';

function shell(script: string): NativeProgram {
  return new NativeProgram('/bin/sh', ['-c', script]);
}

describe('a native program', () => {
  it('is told milliseconds, answers with a slice each time, and ends when it is closed', async () => {
    const program = shell('while read ms; do echo "$ms 2000 1000"; done');

    expect(await program.slice(7_000_000)).toEqual({ done: 7, wallNs: 2000, cpuNs: 1000 });
    expect(await program.slice(9_000_000)).toEqual({ done: 9, wallNs: 2000, cpuNs: 1000 });
    await program.close();
  });

  it('that ends instead of answering fails with what it said', async () => {
    const program = shell('read ms; echo "pipeline: no memory" >&2; exit 1');

    await expect(program.slice(1_000_000)).rejects.toThrow(/has ended: pipeline: no memory$/);
    await program.close();
  });

  it('that cannot be started fails with the reason', async () => {
    const program = new NativeProgram('/nowhere/pipeline', []);

    await expect(program.slice(1_000_000)).rejects.toThrow(/has ended: .*ENOENT/);
    await program.close();
  });

  it('that has done nothing fails', async () => {
    const program = shell('while read ms; do echo "0 2000 1000"; done');

    await expect(program.slice(1_000_000)).rejects.toThrow(/did nothing in 1000000 ns/);
    await program.close();
  });

  it.skipIf('reason' in compileNative('pipeline')).each([
    ['pipeline', ['64', '8']],
    ['blk', ['4096', '8', 'random']],
  ])('of ours, %s, counts what it does by both clocks', async (name, args) => {
    const native = compileNative(name);
    const program = new NativeProgram('path' in native ? native.path : '', args);
    const slice = await program.slice(2_000_000);
    await program.close();

    expect(slice.done).toBeGreaterThan(0);
    expect(slice.wallNs).toBeGreaterThanOrEqual(2_000_000);
    expect(slice.cpuNs).toBeGreaterThan(0);
  });
});
