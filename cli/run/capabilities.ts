/**
 * `sddf run SYSTEM --dump-capabilities`: what the kernel holds once a system is built, as text,
 * JSON and a picture.
 */

import { UserMistake } from '../../host/problem.ts';
import { asWritten, flag, readOptions, text } from '../option.ts';
import type { RunPart, StartWatch } from './part.ts';

const OPTIONS = {
  dump: flag({
    flags: '--dump-capabilities',
    help: 'boots, prints every object and capability, and ends',
    words: ['no', 'yes'],
  }),
  svg: text({
    flags: '--svg <file>',
    help: 'with --dump-capabilities: draws them, too',
    parse: asWritten,
  }),
};

export const capabilitiesPart: RunPart = {
  options: OPTIONS,
  commands: 'run',
  parse: (raw) => {
    const { dump, svg } = readOptions(OPTIONS, raw);
    if (dump === 'yes') return startDump(svg);
    if (svg === undefined) return undefined;
    throw new UserMistake('--svg draws what --dump-capabilities prints: give both');
  },
};

function startDump(svg: string | undefined): StartWatch {
  return async (run) => (await import('./capabilities-watch.ts')).watchCapabilities(run, svg);
}
