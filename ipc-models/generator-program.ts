/**
 * Programs as generators, for tests: each `yield` is a system call or time that passes, and returns
 * the result.
 */

import type { ModelKernel, SpawnOptions } from './model-kernel.ts';
import type { ModelThread, Program } from './model-thread.ts';

/** Number and arguments of a system call, or nanoseconds of work. */
export type ModelRequest = readonly [number, ...number[]] | { readonly workNs: number };
export type ModelBody = Generator<ModelRequest, void, number>;

export interface GeneratorOptions extends Omit<SpawnOptions, 'start'> {
  readonly body: (thread: ModelThread) => ModelBody;
}

export function spawnGenerator(kernel: ModelKernel, options: GeneratorOptions): ModelThread {
  const { task, priority, body } = options;
  return kernel.spawn({
    task,
    priority,
    start: (thread) => new GeneratorProgram(kernel, thread, body(thread)),
  });
}

class GeneratorProgram implements Program {
  readonly #kernel: ModelKernel;
  readonly #thread: ModelThread;
  readonly #body: ModelBody;

  constructor(kernel: ModelKernel, thread: ModelThread, body: ModelBody) {
    this.#kernel = kernel;
    this.#thread = thread;
    this.#body = body;
  }

  resume(): void {
    let answer = this.#thread.result;
    for (;;) {
      const { done, value } = this.#body.next(answer);
      if (done === true) return;
      if (!('workNs' in value)) {
        const [number, a0, a1, a2, a3, a4, a5] = value;
        this.#thread.trap(number, a0, a1, a2, a3, a4, a5);
        return;
      }
      this.#kernel.scheduler.machine.charge(value.workNs);
      answer = 0;
    }
  }
}
