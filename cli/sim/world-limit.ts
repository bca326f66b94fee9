/** Tells `cli/supervisor.mjs`, which limits how long a world may take, that a world begins. */

import { writeSync } from 'node:fs';

const LINE = process.env['SDDF_WORLDS'];

/** Of no effect where nobody listens. */
export function sayWorldBegins(): void {
  if (LINE === undefined) return;
  try {
    writeSync(Number(LINE), 'world\n');
  } catch {
    // Whoever has listened is gone; this process ends with its command.
  }
}
