/** `sddf run SYSTEM --log-dir DIR`: what each domain prints, in a file of its own, too. */

import { asWritten, readOptions, text } from '../option.ts';
import type { RunPart } from './part.ts';

const OPTIONS = {
  logDir: text({
    flags: '--log-dir <dir>',
    help: 'also writes what each domain prints to a file of its own there',
    parse: asWritten,
    completes: { others: 'files' },
  }),
};

export const logFilesPart: RunPart = {
  options: OPTIONS,
  commands: 'all',
  parse: (raw) => {
    const { logDir } = readOptions(OPTIONS, raw);
    if (logDir === undefined) return undefined;
    return async () => {
      const { LogFiles } = await import('../../host/log-files.ts');
      const files = new LogFiles(logDir);
      return {
        log: (pd, line) => {
          files.write(pd, line);
          return 'keep';
        },
        close: () => files.close(),
      };
    };
  },
};
