/**
 * The images of programs/ for benchmarks: built when the compiler is there, read, and planned for
 * the domains that name them.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { system } from '../../microkit/builder.ts';
import { planImage } from '../../microkit/elf/plan.ts';
import { readElf } from '../../microkit/elf/reader.ts';
import { flatten, type PdDescription, type SystemDescription } from '../../microkit/model.ts';
import type { MachineProgram, MachinePrograms } from '../../microkit/runtime/machine-image.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BUILD_SCRIPT = join(ROOT, 'scripts/build-programs.mjs');

/** Builds what has changed. @returns why there is nothing to measure, if so */
export function buildImages(): string | undefined {
  if (!existsSync(BUILD_SCRIPT)) return 'programs/ is not part of the package';
  const built = spawnSync(process.execPath, [BUILD_SCRIPT], { encoding: 'utf8' });
  return built.status === 0 ? undefined : (built.stderr.trim().split('\n').at(-1) ?? '');
}

/** @returns by domain, the images of the domains that have no program of their own */
export function imagesOf(description: SystemDescription): MachinePrograms {
  const programs = flatten(description).flatMap(({ pd }): [string, MachineProgram][] =>
    pd.image.program === undefined ? [[pd.name, programOf(description, pd)]] : [],
  );
  return new Map(programs);
}

/** One that greets and loops, for a domain without anything. */
export function loopImage(): MachineProgram {
  const sys = system({ name: 'loop' });
  sys.pd('loop', { image: 'programs/build/loop.elf' });
  const built = sys.build();
  const [pd] = built.ok ? built.system.protectionDomains : [];
  if (!built.ok || pd === undefined) throw new Error('the description of a loop is wrong');
  return programOf(built.system, pd);
}

function programOf(description: SystemDescription, pd: PdDescription): MachineProgram {
  const path = join(ROOT, pd.image.path);
  const read = readElf(readFileSync(path));
  if (!read.ok) throw new Error(`${path}: ${read.problem}`);
  const planned = planImage({ system: description, pd, image: read.image });
  if (!planned.ok) throw new Error(`${path}: ${planned.problems.join('; ')}`);
  return { path, image: read.image, plan: planned.plan };
}
