/**
 * Registers, once in a process and by being imported, how modules of a user's own are loaded. Three
 * things differ from Node's usual way:
 *
 * - The installed package runs as JavaScript, and brings tsx for a user's TypeScript.
 * - A `.ts` file counts as an ES module whatever the nearest package.json says: `npm init` writes
 *   "type": "commonjs", and a CommonJS copy of a user's module would pull in CommonJS copies of
 *   this package's modules, with classes of their own.
 * - What a module imports is an instance for the same domain as the module itself. This package's
 *   own files are not: domains share them, and they keep no state (`test/style.test.ts`).
 */

import { register } from 'node:module';

/**
 * A module customisation hook; it runs in the loader's own thread, hence as text. What tsx would
 * look through for the names that a CommonJS file exports, it is told to take as it is: else the
 * module's address is a data: URL with all of its code, and so is every line of a stack.
 */
const HOOK = `
let ours = '';
export function initialize({ packageUrl }) { ours = packageUrl; }
export async function resolve(specifier, context, next) {
  const found = await next(specifier, context);
  const url = forDomainOf(context.parentURL, found.url.replace(/(?:%3F|[?])tsx-commonjs-.*$/, ''));
  return /^file:.*[.]ts(?:[?]|$)/.test(url) ? { ...found, url, format: 'module' } : { ...found, url };
}
function forDomainOf(parent, url) {
  const domain = /[?&](domain=[^&#]*)/.exec(parent ?? '')?.[1];
  if (domain === undefined || !url.startsWith('file:') || url.startsWith(ours)) return url;
  return url + (url.includes('?') ? '&' : '?') + domain;
}`;

const PACKAGE = new URL('../', import.meta.url);

// From source tsx is there already.
if (!import.meta.url.endsWith('.ts')) {
  const tsx = await import('tsx/esm/api');
  tsx.register();
}
register(`data:text/javascript,${encodeURIComponent(HOOK)}`, {
  data: { packageUrl: PACKAGE.href },
});
