/** A system as a command has loaded it, and where its files are looked for. */

import type { SystemDescription } from '../../microkit/model.ts';
import type { Program } from '../../microkit/pd.ts';
import type { MachinePrograms } from '../../microkit/runtime/machine-program.ts';
import type { SystemModule } from '../../systems/system.ts';

/** A system, ready to be put on a board. */
export interface LoadedSystem {
  readonly name: string;
  readonly system: SystemDescription;
  readonly counters: NonNullable<SystemModule['counters']>;
  /** Programs of domains whose description names a path only. */
  readonly programs: ReadonlyMap<string, Program>;
  /** Domains whose program is machine code. */
  readonly images: MachinePrograms;
  readonly warnings: readonly string[];
  readonly from: 'module' | 'description';
  /** Its TypeScript programs are the user's own, or may be. */
  readonly hasUserPrograms: boolean;
  readonly attachDevices?: SystemModule['attachDevices'];
  readonly oracles?: SystemModule['oracles'];
  /**
   * Choices meant for options that the system does not have: whoever meant them refuses what cannot
   * be left out.
   */
  readonly notOffered: readonly string[];
}

/** Where a system's files are looked for, and how large its images may be. */
export interface FileSearch {
  /** Folders besides that of a `.system` file. */
  readonly searchPath: readonly string[];
  /** See `microkit/elf/reader.ts`. */
  readonly imageLimitBytes?: number | undefined;
}
