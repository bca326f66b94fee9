/** Where the page is, and on which port it is served. */

import { fileURLToPath } from 'node:url';
import { UserMistake } from '../../host/problem.ts';
import { text } from '../option.ts';
import { parseCount, type Range } from '../quantities.ts';

const PORT: Range = { min: 0, max: 65_535 };
/** Beside the sources, and beside what is compiled of them. */
const PAGE = fileURLToPath(new URL('../../page/dist/', import.meta.url));

const STANDARD_PORT = '8080';
export const UI_PORT_HELP =
  'with --ui: the port of 127.0.0.1 that the page is served on; 0 for any';

export const PORT_OPTION = {
  port: text({
    flags: '--ui-port <port>',
    help: UI_PORT_HELP,
    standard: STANDARD_PORT,
    parse: (given, option) => parseCount(given, option, PORT),
  }),
};

/**
 * @returns the port; undefined without a page
 * @throws UserMistake
 */
export function uiPortOf(flags: {
  readonly ui?: true;
  readonly uiPort?: string;
}): number | undefined {
  const { ui, uiPort } = flags;
  if (ui !== true && uiPort !== undefined) throw new UserMistake('--ui-port: goes with --ui');
  return ui === true ? parseCount(uiPort ?? STANDARD_PORT, '--ui-port', PORT) : undefined;
}

/** @returns what `npm run page` has built; elsewhere for tests */
export function pageFolder(): string {
  return process.env['SDDF_PAGE'] ?? PAGE;
}
