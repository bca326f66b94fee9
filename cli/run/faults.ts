/**
 * `sddf run SYSTEM --faults plan.json`: things go wrong in an ordinary run, live or virtual, as a
 * plan says. The code that does it is loaded with the option alone.
 */

import { UserMistake } from '../../host/problem.ts';
import { asWritten, readOptions, text } from '../option.ts';
import { parseCount } from '../quantities.ts';
import type { RunPart } from './part.ts';

const SEED = { min: 0, max: 0xffff_ffff };

const OPTIONS = {
  faults: text({
    flags: '--faults <file>',
    help: 'a plan of what goes wrong, see docs/breaking.md; ends with 3 when some of it never struck',
    parse: asWritten,
    completes: { others: 'files' },
  }),
  faultSeed: text({
    flags: '--fault-seed <number>',
    help: "with --faults: seed of the plan's chances, that of --seed unless told",
    parse: (given, option) => parseCount(given, option, SEED),
  }),
};

export const faultsPart: RunPart = {
  options: OPTIONS,
  commands: 'all',
  parse: (raw) => {
    const { faults, faultSeed } = readOptions(OPTIONS, raw);
    if (faults === undefined) {
      if (faultSeed === undefined) return undefined;
      throw new UserMistake('--fault-seed: seeds the chances of --faults: give both');
    }
    return async (run) => {
      const { watchFaults } = await import('./planned-faults.ts');
      return watchFaults(run, faults, faultSeed);
    };
  },
};
