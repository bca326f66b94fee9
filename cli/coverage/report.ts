/**
 * Coverage of a command that runs many tests or worlds, in several processes: adds up what they
 * have executed, and writes it, of all together and of each.
 */

import { lcovText } from '../../debug/coverage/lcov.ts';
import {
  addPacked,
  coverageSummary,
  type PackedSources,
  type Sources,
} from '../../debug/coverage/source-coverage.ts';
import { OutputFile } from '../output-file.ts';
import type { Terminal } from '../terminal.ts';
import { PerTestFolder, type RunToAdd } from './per-test.ts';

export interface CoverageFlags {
  readonly coverage?: string | undefined;
  readonly coveragePerTest?: string | undefined;
}

/** What a process tells of: all its tests or worlds at its end, or each by itself. */
export type CoverageExtent = 'none' | 'together' | 'each';

export function extentOf({ coverage, coveragePerTest }: CoverageFlags): CoverageExtent {
  if (coveragePerTest !== undefined) return 'each';
  return coverage === undefined ? 'none' : 'together';
}

export class CoverageReport {
  readonly #flags: CoverageFlags;
  readonly #sources: Sources = new Map();
  readonly #file: OutputFile | undefined;
  readonly #folder: PerTestFolder | undefined;
  #isLoaded = false;

  /**
   * @returns undefined when nobody asks for coverage
   * @throws UserMistake when it cannot be written
   */
  static open(flags: CoverageFlags): CoverageReport | undefined {
    return extentOf(flags) === 'none' ? undefined : new CoverageReport(flags);
  }

  private constructor(flags: CoverageFlags) {
    const { coverage, coveragePerTest } = flags;
    this.#flags = flags;
    this.#file = coverage === undefined ? undefined : new OutputFile(coverage, 'replace');
    this.#folder = coveragePerTest === undefined ? undefined : new PerTestFolder(coveragePerTest);
  }

  /** What is executed when programs are loaded, before any test. */
  addLoading(executed: PackedSources): void {
    this.add(executed);
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    const loading = { number: 0, name: 'when programs are loaded', command: undefined };
    this.#folder?.add(loading, unpacked(executed));
  }

  add(executed: PackedSources): void {
    addPacked(this.#sources, executed);
  }

  /** One test or world; its command runs it again. */
  addRun(run: RunToAdd, executed: PackedSources): void {
    this.add(executed);
    this.#folder?.add(run, unpacked(executed));
  }

  /** Nothing will be written, and a file that is new is removed. */
  leave(): void {
    this.#file?.close();
  }

  close(title: string, terminal: Terminal): void {
    const { coverage, coveragePerTest } = this.#flags;
    this.#file?.write(lcovText(this.#sources, title));
    this.#file?.close();
    this.#folder?.close();
    const where = coverage ?? coveragePerTest ?? '';
    terminal.note(`sddf: ${coverageSummary(this.#sources)}, in ${where}`);
  }
}

function unpacked(executed: PackedSources): Sources {
  const sources: Sources = new Map();
  addPacked(sources, executed);
  return sources;
}
