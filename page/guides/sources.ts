/** Systems that guided examples begin with. */

import tutorial from '../../docs/writing-a-driver.md?raw';
import type { OwnSystem } from '../engine/scenario.ts';
import { ownCopy, withCopy } from '../view/write/package-sources.ts';
import { replaced } from './guide.ts';
import { tutorialFiles } from './tutorial-files.ts';

const SOURCES = import.meta.glob<string>(
  ['./lost-wake-up/*.ts', './hostile-client/*.ts', './revoke/*.ts'],
  { eager: true, query: '?raw', import: 'default' },
);

function folder(name: string): Readonly<Record<string, string>> {
  const start = `./${name}/`;
  return Object.fromEntries(
    Object.entries(SOURCES)
      .filter(([path]) => path.startsWith(start))
      .map(([path, text]) => [path.slice(start.length), text]),
  );
}

export function tutorialSystem(): OwnSystem {
  return { main: 'my-system.ts', files: tutorialFiles(tutorial) };
}

export function lostWakeUpSystem(): OwnSystem {
  const thermometer = tutorialFiles(tutorial)['thermometer.ts'] ?? '';
  return {
    main: 'samples.ts',
    files: { ...folder('lost-wake-up'), 'thermometer.ts': thermometer },
  };
}

export function revokeSystem(): OwnSystem {
  return { main: 'slices.ts', files: folder('revoke') };
}

const ECHO_CLIENT = 'clients/echo/echo.ts';
const MAIN = 'export function main(pd: ProtectionDomain<EchoConfig>): EntryPoints {\n';

/** The echo system, in which the first client is another program. */
export function hostileSystem(): OwnSystem {
  const echo = ownCopy('echo');
  if (echo === undefined) throw new Error('the echo system is there');
  const copied = withCopy(echo, ECHO_CLIENT);
  const chosen = replaced(
    copied,
    ECHO_CLIENT,
    MAIN,
    `${MAIN}  if (pd.name === 'client0') return hostile(pd);\n`,
  );
  const imported = replaced(
    chosen,
    ECHO_CLIENT,
    'import ',
    "import { hostile } from '../../hostile.ts';\nimport ",
  );
  return { ...imported, files: { ...imported.files, ...folder('hostile-client') } };
}
