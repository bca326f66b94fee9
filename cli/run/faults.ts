/**
 * `sddf run SYSTEM --faults plan.json`: things go wrong in an ordinary run, live or virtual, as a
 * plan says. The code that does it is loaded with the option alone.
 */

import { UserMistake } from '../../host/problem.ts';
import { asWritten, readOptions, text, texts } from '../option.ts';
import { parseCount } from '../quantities.ts';
import { GDB_OPTIONS } from './gdb.ts';
import type { RunPart } from './part.ts';
import type { AskedKill } from './planned-faults.ts';

const SEED = { min: 0, max: 0xffff_ffff };

const OPTIONS = {
  faults: text({
    flags: '--faults <file>',
    help: 'a plan of what goes wrong, see docs/breaking.md; ends with 3 when some of it never struck',
    parse: asWritten,
    completes: { others: 'files' },
  }),
  kill: texts({
    flags: '--kill <domain@time>',
    help: 'this domain dies when it is next woken from this time on, such as client0@5ms; may be repeated',
    parse: parseKill,
  }),
  faultSeed: text({
    flags: '--fault-seed <number>',
    help: "with --faults: seed of the plan's chances, that of --seed unless told",
    parse: (given, option) => parseCount(given, option, SEED),
  }),
};

function parseKill(given: string, option: string): AskedKill {
  const at = given.lastIndexOf('@');
  if (at > 0 && at < given.length - 1) {
    return { domain: given.slice(0, at), time: given.slice(at + 1) };
  }
  throw new UserMistake(`${option}: '${given}' is not DOMAIN@TIME, such as client0@5ms`);
}

export const faultsPart: RunPart = {
  options: OPTIONS,
  commands: 'all',
  parse: (raw) => {
    const { faults, faultSeed, kill } = readOptions(OPTIONS, raw);
    // Who debugs a run may have things go wrong in it as they like.
    const { gdb } = readOptions(GDB_OPTIONS, raw);
    if (faults === undefined && kill.length === 0) {
      if (faultSeed !== undefined) {
        throw new UserMistake('--fault-seed: seeds the chances of --faults: give both');
      }
      if (gdb === undefined) return undefined;
    }
    return async (run) => {
      const isNothing = faults === undefined && kill.length === 0 && run.injected.length === 0;
      if (isNothing) return {};
      const { watchFaults } = await import('./planned-faults.ts');
      return watchFaults(run, { path: faults, kills: kill, faultSeed });
    };
  },
};
