/**
 * `sddf run SYSTEM --coverage lcov.info`: which lines, functions and outcomes of branches of the
 * domains' programs are executed, of images and of modules, all domains together.
 */

import { UserMistake } from '../../host/problem.ts';
import { asWritten, readOptions, text } from '../option.ts';
import { GDB_OPTIONS } from './gdb.ts';
import type { RunPart } from './part.ts';

const OPTIONS = {
  coverage: text({
    flags: '--coverage <file>',
    help: 'writes which lines and branches of programs are executed, as lcov reads it',
    parse: asWritten,
    completes: { others: 'files' },
  }),
};

export const coveragePart: RunPart = {
  options: OPTIONS,
  commands: 'run',
  parse: async (raw) => {
    const { coverage } = readOptions(OPTIONS, raw);
    if (coverage === undefined) return undefined;
    if (readOptions(GDB_OPTIONS, raw).gdb !== undefined) {
      throw new UserMistake('--coverage: not with --gdb, which executes in its own way');
    }
    const { collectCoverage } = await import('./coverage-watch.ts');
    return collectCoverage(coverage);
  },
};
