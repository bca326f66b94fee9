/**
 * `sddf run SYSTEM --gdb tcp:127.0.0.1:3333`: a server for GDB, which shows domains as threads, or
 * each as a program.
 */

import { parseStreamAddress } from '../../host/net/socket-address.ts';
import { UserMistake } from '../../host/problem.ts';
import { OptionString } from '../option-string.ts';
import { readOptions, text } from '../option.ts';
import { parseChoice } from '../quantities.ts';
import type { GdbOptions, GdbSession } from './gdb-session.ts';
import type { RunPart, WatchedRun } from './part.ts';

const LOOPBACK = ['127.0.0.1', '::1'];
const MODES = ['threads', 'inferiors'] as const;

export const GDB_OPTIONS = {
  gdb: text({
    flags: '--gdb <address>',
    help: 'listens for GDB: tcp:127.0.0.1:3333 or unix:PATH, and ,wait and ,mode=inferiors',
    parse: parseGdb,
    completes: { words: ['tcp:127.0.0.1:3333', 'tcp:127.0.0.1:3333,wait', 'unix:'] },
    twice: 'refused',
  }),
};

export const gdbPart: RunPart = {
  options: GDB_OPTIONS,
  commands: 'run',
  parse: (raw) => {
    const { gdb } = readOptions(GDB_OPTIONS, raw);
    if (gdb === undefined) return undefined;
    // The run may be begun again, and the debugger is still there then.
    let session: Promise<GdbSession> | undefined;
    return async (run) => {
      session ??= openSession(gdb, run);
      return (await session).watch();
    };
  },
};

/** @throws UserMistake */
export function parseGdb(given: string, option: string): GdbOptions {
  const [written = ''] = given.split(',');
  const where = `${option} ${written}`;
  const address = parseStreamAddress(written, where);
  if (address.kind === 'tcp' && !LOOPBACK.includes(address.host)) {
    throw new UserMistake(
      `${where}: whoever reaches it may do anything; only 127.0.0.1 is listened on, or unix:PATH`,
    );
  }
  const keys = { [written]: { once: ['mode'], flags: ['wait'] } };
  const read = OptionString.parse(option, given, keys);
  return {
    address,
    mode: parseChoice(read.value('mode') ?? 'threads', `${where},mode`, MODES),
    begins: read.has('wait') ? 'wait' : 'at once',
  };
}

async function openSession(
  gdb: GdbOptions,
  { loaded: { system, images }, terminal, options, injected }: WatchedRun,
): Promise<GdbSession> {
  const { GdbSession: Session } = await import('./gdb-session.ts');
  const { clock } = options.testbed;
  return Session.open(gdb, { system, images, terminal, clock, injected });
}
