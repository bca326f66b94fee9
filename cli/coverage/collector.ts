/**
 * What a command's testbeds execute: images by the notes of their harts, programs in TypeScript by
 * V8. One for a process; what several have collected is added up by whoever started them.
 */

import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ExecutedImages } from '../../debug/coverage/executed-images.ts';
import { addScripts } from '../../debug/coverage/scripts.ts';
import type { Sources } from '../../debug/coverage/source-coverage.ts';
import { ScriptCoverage } from '../../host/script-coverage.ts';
import { UserMistake } from '../../host/problem.ts';
import type { HartCoverage } from '../../microkit/runtime/machine-program.ts';
import type { MachinePrograms } from '../../microkit/runtime/machine-program.ts';
import type { TestbedOptions } from '../../systems/testbed.ts';

export class CoverageCollector {
  readonly #images: ExecutedImages;
  /** Of what is loaded from now on. */
  readonly #scripts = new ScriptCoverage(isProgram);

  /** @param note told of what is left out, a line */
  constructor(note: (line: string) => void) {
    this.#images = new ExecutedImages((pd) => {
      note(`no room to note what ${pd} executes: left out`);
    });
  }

  /** Of images, for a testbed that is not told {@link CoverageCollector.testbed}. */
  get notes(): HartCoverage {
    return this.#images.notes;
  }

  /** For each testbed. */
  get testbed(): Pick<TestbedOptions, 'coverage' | 'bulk'> {
    return { coverage: this.notes, bulk: 'executed' };
  }

  /** Before they are run. @throws UserMistake when one has no line table */
  expect(images: MachinePrograms | undefined): void {
    for (const program of images?.values() ?? []) {
      const problem = this.#images.demandLines(program);
      if (problem !== undefined) throw new UserMistake(`--coverage: ${program.path} ${problem}`);
    }
  }

  /** @returns notes of machine code that no testbed before had */
  readonly testbedEnds = (): number => this.#images.testbedEnds();

  /** What was executed since the last time, by testbeds that are over. */
  async take(): Promise<Sources> {
    const sources: Sources = new Map();
    this.#images.take(sources);
    await addScripts(sources, this.#scripts.take());
    return sources;
  }

  close(): void {
    this.#scripts.close();
  }
}

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));
/** Rooms of the package that run in domains. */
const PROGRAMS = new Set(['drivers', 'virtualisers', 'clients']);
/** What else is in it is the testbed's own. */
const TESTBED =
  /^(?:bench|board|cli|debug|host|ipc-models|kernel|memory|microkit|queues|riscv|scripts|sim|systems|testing|test)$/;

/** Programs are what the user has written, and what of this package runs in domains. */
export function isProgram(file: string): boolean {
  if (!file.startsWith(PACKAGE)) return !file.includes(`${sep}node_modules${sep}`);
  const [room = ''] = file.slice(PACKAGE.length).split(sep);
  return PROGRAMS.has(room) || !(TESTBED.test(room) || room === 'node_modules');
}
