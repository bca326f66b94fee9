/**
 * What the worlds of a process come to, as features that a campaign is guided by: blocks of
 * programs, code of images, and who had the processor when a fault struck.
 */

import { ExecutedImages } from '../../debug/coverage/executed-images.ts';
import { Features } from '../../debug/coverage/features.ts';
import { ScriptCoverage } from '../../host/script-coverage.ts';
import type { MachinePrograms } from '../../microkit/runtime/machine-program.ts';
import type { WorldWatch } from '../../sim/world.ts';
import { isProgram } from './collector.ts';

/** How `domainStates` tells who runs. */
const RUNS = 'on the processor';

export class FeatureCollector {
  readonly #features = new Features();
  readonly #images: ExecutedImages;
  /** Of what is loaded from now on. */
  readonly #scripts = new ScriptCoverage(isProgram);
  #machinePrograms: MachinePrograms = new Map();

  /** @param note told of what is left out, a line */
  constructor(note: (line: string) => void) {
    this.#images = new ExecutedImages((pd) =>
      note(`no room to note what ${pd} executes: left out`),
    );
  }

  /** The programs are loaded, and what that has executed is of no world. */
  loaded(images: MachinePrograms | undefined): void {
    this.#machinePrograms = images ?? new Map();
    this.#scripts.take();
  }

  /** For each world. */
  readonly watch: WorldWatch = {
    coverage: (...hart) => this.#images.notes(...hart),
    over: () => void this.#images.testbedEnds(),
    onStrike: ({ at, fault }, state) => {
      const runs = state().find((sentence) => sentence.startsWith(RUNS)) ?? '';
      this.#features.addText(`${at} ${fault} ${runs}`);
    },
  };

  /** @returns what was reached since the last time */
  take(): readonly number[] {
    this.#features.addScripts(this.#scripts.take());
    const notes = this.#images.takeNotes();
    for (const [pd, { image }] of this.#machinePrograms) {
      const found = notes.get(image);
      if (found !== undefined) this.#features.addImage(pd, found.bytes);
      notes.delete(image);
    }
    return this.#features.take();
  }
}
