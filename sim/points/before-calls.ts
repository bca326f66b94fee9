/**
 * A TypeScript program's thread with something before each of its system calls: time that passes,
 * or an error that ends the program.
 */

import type { ProgramImage, UserContext, UserThread } from '../../kernel/user.ts';

/** What is put around the thread of one program. */
export interface AroundThread {
  /** Called in the program before each of its system calls; what it throws, the program throws. */
  readonly beforeCall: () => void;
  /** Gives the program another view of its memory; the kernel's own without it. */
  readonly mapping?: UserThread['mapping'];
}

/**
 * @param around is told of each thread as the program begins, and by which function it can ask
 *   whether the program is running: outside nobody may let time pass
 */
export function withBeforeCalls(
  image: ProgramImage,
  around: (thread: UserThread, isRunning: () => boolean) => AroundThread,
): ProgramImage {
  return {
    name: image.name,
    start: (thread) => {
      let isRunning = false;
      const surrounded = new SurroundedThread(
        thread,
        around(thread, () => isRunning),
      );
      const context = image.start(surrounded);
      return {
        resume: () => {
          isRunning = true;
          try {
            context.resume();
          } finally {
            isRunning = false;
          }
        },
      } satisfies UserContext;
    },
  };
}

class SurroundedThread implements UserThread {
  readonly regs: Uint32Array;
  readonly #thread: UserThread;
  readonly #around: AroundThread;

  constructor(thread: UserThread, around: AroundThread) {
    this.regs = thread.regs;
    this.#thread = thread;
    this.#around = around;
  }

  trap(): void {
    this.#around.beforeCall();
    this.#thread.trap();
  }

  trapLast(): void {
    this.#around.beforeCall();
    this.#thread.trapLast();
  }

  mapping(...range: Parameters<UserThread['mapping']>): ReturnType<UserThread['mapping']> {
    const { mapping } = this.#around;
    return mapping === undefined ? this.#thread.mapping(...range) : mapping(...range);
  }

  spend(durationNs: number): number {
    return this.#thread.spend(durationNs);
  }

  pass(durationNs: number): void {
    this.#thread.pass(durationNs);
  }

  keepsPc(): void {
    this.#thread.keepsPc();
  }

  demandRunning(): void {
    this.#thread.demandRunning();
  }
}
