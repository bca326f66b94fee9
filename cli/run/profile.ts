/**
 * `sddf run SYSTEM --profile out.folded`: where the instructions of machine code go, as stacks for
 * flame graphs: a line for each stack, `domain;outermost;…;innermost instructions`, which
 * flamegraph.pl, inferno and speedscope read.
 */

import { asWritten, readOptions, text } from '../option.ts';
import type { RunPart, StartWatch } from './part.ts';

const OPTIONS = {
  profile: text({
    flags: '--profile <file>',
    help: 'writes stacks of machine code by instructions, for flame graphs',
    parse: asWritten,
    completes: { others: 'files' },
  }),
};

export const profilePart: RunPart = {
  options: OPTIONS,
  commands: 'run',
  parse: (raw) => {
    const { profile } = readOptions(OPTIONS, raw);
    return profile === undefined ? undefined : startProfile(profile);
  },
};

function startProfile(path: string): StartWatch {
  return async (run) => (await import('./profile-watch.ts')).watchProfile(run, path);
}
