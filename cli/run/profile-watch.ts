/** What `--profile` does in a run: see `profile.ts`. It is loaded with the option alone. */

import { UserMistake } from '../../host/problem.ts';
import { CallStacks } from '../../microkit/runtime/call-stack.ts';
import type { HartContext } from '../../microkit/runtime/machine-code.ts';
import type { MachinePrograms } from '../../microkit/runtime/machine-program.ts';
import { groupDigits } from '../../systems/figures.ts';
import { OutputFile } from '../output-file.ts';
import type { RunWatch, WatchedRun } from './part.ts';

/** A prime, so that loops of a program do not keep step with it. */
const EVERY_INSTRUCTIONS = 997;

/** @throws UserMistake for a system without machine code, or a file that cannot be written */
export function watchProfile({ loaded, terminal }: WatchedRun, path: string): RunWatch {
  if (loaded.images.size === 0) {
    throw new UserMistake(
      `--profile: counts instructions of machine code, and ${loaded.name} has none`,
    );
  }
  // Not after the run, when what has been counted would be lost.
  const file = new OutputFile(path, 'replace');
  const profile = new Profile(loaded.images);
  return {
    files: [{ path, use: 'written', by: '--profile' }],
    testbed: {
      sampling: {
        everyInstructions: EVERY_INSTRUCTIONS,
        sample: (hart, pd) => profile.add(pd, hart),
      },
    },
    finish: () => {
      file.write(profile.folded());
      const samples = groupDigits(profile.samples);
      terminal.note(
        `sddf: ${samples} samples in ${path}, one in ${EVERY_INSTRUCTIONS} instructions`,
      );
    },
    close: () => file.close(),
  };
}

class Profile {
  samples = 0;
  readonly #stacks: ReadonlyMap<string, CallStacks>;
  readonly #counts = new Map<string, number>();

  constructor(programs: MachinePrograms) {
    this.#stacks = new Map([...programs].map(([pd, { image }]) => [pd, new CallStacks(image)]));
  }

  add(pd: string, hart: HartContext): void {
    this.samples += 1;
    const stack = [pd, ...(this.#stacks.get(pd)?.of(hart) ?? [])].map(inFolded).join(';');
    this.#counts.set(stack, (this.#counts.get(stack) ?? 0) + 1);
  }

  folded(): string {
    const lines = [...this.#counts].map(
      ([stack, count]) => `${stack} ${String(count * EVERY_INSTRUCTIONS)}\n`,
    );
    return lines.toSorted().join('');
  }
}

/**
 * A semicolon parts two functions, the last blank the stack from its count, and the format has no
 * other spelling.
 */
function inFolded(name: string): string {
  return name.replaceAll(/[;\s\p{Cc}]/gu, '_');
}
