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
import { machineRuntime } from '../../microkit/runtime/machine-image.ts';
import type { MachineProgram, MachinePrograms } from '../../microkit/runtime/machine-program.ts';

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
  const alone = systemOf('programs/build/loop.elf');
  return programOf(alone, alone.protectionDomains[0] as PdDescription);
}

/** @returns the system with another domain, which has nothing but an image */
export function withImage(description: SystemDescription, path: string): SystemDescription {
  const added = systemOf(path).protectionDomains;
  return { ...description, protectionDomains: [...description.protectionDomains, ...added] };
}

function systemOf(path: string): SystemDescription {
  const sys = system({ name: 'alone' });
  sys.pd('alone', { image: path });
  const built = sys.build();
  if (!built.ok) throw new Error(`the description of a domain with ${path} is wrong`);
  return built.system;
}

function programOf(description: SystemDescription, pd: PdDescription): MachineProgram {
  const path = join(ROOT, pd.image.path);
  const read = readElf(readFileSync(path));
  if (!read.ok) throw new Error(`${path}: ${read.problem}`);
  const planned = planImage({ system: description, pd, image: read.image });
  if (!planned.ok) throw new Error(`${path}: ${planned.problems.join('; ')}`);
  return { path, image: read.image, plan: planned.plan, runtime: machineRuntime };
}
