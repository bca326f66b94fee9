/** Runs one test on a freshly booted kernel under virtual time. */

import { AssertionFailure } from '../../../memory/assert.ts';
import { Ram } from '../../../memory/ram.ts';
import { boot } from '../../../kernel/boot.ts';
import type { Kernel } from '../../../kernel/boot.ts';
import { generatorImage } from '../../../kernel/generator-context.ts';
import type { ThreadBody } from '../../../kernel/system-call.ts';
import * as calls from './calls.ts';
import { TestFailure } from './check.ts';
import { Environment } from './environment.ts';
import { TestMachine } from './machine.ts';
import { runProcess, TEST_UNTYPED_BITS } from './process.ts';
import { Programs } from './programs.ts';
import { SLOT_REPORT } from './slots.ts';
import type { Sel4Test } from './test.ts';

const RAM_BYTES = 2 ** 24;
const SLICE_NS = calls.NS_PER_MS;
const TIME_LIMIT_NS = 120 * calls.NS_PER_S;

export interface RunOptions {
  readonly fastPath?: 'on' | 'off';
  /** Told of the kernel before its first step: to check invariants, for instance. */
  readonly onBoot?: (kernel: Kernel) => void;
}

export type TestOutcome =
  | { readonly kind: 'passed'; readonly virtualNs: number }
  | { readonly kind: 'failed'; readonly message: string };

/** Keeps the RAM that all its runs use one after another. */
export class Runner {
  readonly #options: RunOptions;
  #ram: Ram | undefined;

  constructor(options: RunOptions = {}) {
    this.#options = options;
  }

  run(test: Sel4Test): TestOutcome {
    const untypedBits = test.untypedBits ?? TEST_UNTYPED_BITS;
    const isLarge = untypedBits !== TEST_UNTYPED_BITS;
    // Beside the large untyped there has to be the usual memory.
    const ram = isLarge
      ? new Ram({ sizeBytes: 2 ** untypedBits + RAM_BYTES / 2 })
      : this.#clearedRam();
    return new TestRun(test, ram, untypedBits, this.#options).outcome();
  }

  #clearedRam(): Ram {
    this.#ram ??= new Ram({ sizeBytes: RAM_BYTES });
    this.#ram.fill(0, 0, RAM_BYTES);
    return this.#ram;
  }
}

class TestRun {
  readonly #machine: TestMachine;
  readonly #kernel: Kernel;
  readonly #failures: string[] = [];
  #isFinished = false;

  constructor(test: Sel4Test, ram: Ram, untypedBits: number, options: RunOptions) {
    this.#machine = new TestMachine(ram);
    const programs = new Programs();
    const env = new Environment(this.#machine, programs);
    const entry = programs.add(() => bodyOfProcess(test, env));
    const { fastPath = 'on' } = options;
    this.#kernel = boot({
      machine: this.#machine,
      rootTask: (bootInfo) =>
        generatorImage('driver', () => this.#driver(runProcess(bootInfo, entry, untypedBits))),
      images: programs.images,
      fastPath,
      onProgramError: (name, error) => this.#failures.push(describe(name, error)),
    });
    options.onBoot?.(this.#kernel);
  }

  outcome(): TestOutcome {
    try {
      this.#loop();
    } catch (error) {
      if (!(error instanceof AssertionFailure)) throw error;
      this.#failures.push(`the kernel's own assertion: ${error.message}`);
    }
    const [message] = this.#failures;
    if (message !== undefined) return { kind: 'failed', message };
    return { kind: 'passed', virtualNs: this.#machine.now() };
  }

  #loop(): void {
    const machine = this.#machine;
    while (!this.#isFinished && this.#failures.length === 0) {
      const now = machine.now();
      const result = this.#kernel.run(Math.min(machine.timerAtNs, now + SLICE_NS));
      if (this.#isFinished) return;
      if (result === 'idle' && !machine.irqPending) {
        const next = Math.min(machine.deadlineNs, machine.timerAtNs);
        if (next === Infinity) {
          this.#failures.push('no thread can run and nothing will happen');
          return;
        }
        machine.charge(Math.max(0, next - machine.now()));
      }
      if (machine.now() > TIME_LIMIT_NS) this.#failures.push('the test took too long');
    }
  }

  *#driver(process: ReturnType<typeof runProcess>): ThreadBody {
    const failure = yield* process;
    if (failure !== undefined) this.#failures.push(failure);
    this.#isFinished = true;
  }
}

function* bodyOfProcess(test: Sel4Test, env: Environment): ThreadBody {
  yield* test.run(env);
  yield calls.send(SLOT_REPORT);
}

function describe(name: string, error: unknown): string {
  if (error instanceof TestFailure) return error.message;
  return `${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
