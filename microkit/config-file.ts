/**
 * Configuration beside a description: `NAME.config.json` holds what each program receives as
 * `pd.config`, by the name of its protection domain. A `.system` file has no place for it; a
 * rendered system has both files.
 */

import type { PdDescription, SystemDescription } from './model.ts';
import { flatten } from './model.ts';
import { thrownText } from '../memory/thrown-text.ts';

/** @returns the configurations by protection domain; domains without one are left out */
export function configsOf(system: SystemDescription): Readonly<Record<string, unknown>> {
  const configs: Record<string, unknown> = {};
  for (const { pd } of flatten(system)) if (pd.config !== undefined) configs[pd.name] = pd.config;
  return configs;
}

/** @returns the JSON text, the same one for the same configurations; see {@link misfitOf} */
export function renderConfigs(system: SystemDescription): string {
  return `${JSON.stringify(configsOf(system), undefined, 2)}\n`;
}

/**
 * @returns what of the configurations JSON has no place for: a program that is given them from a
 * file would receive others; undefined when there is nothing
 */
export function misfitOf(system: SystemDescription): string | undefined {
  for (const [pd, config] of Object.entries(configsOf(system))) {
    const misfit = misfitIn(config, `${pd}'s config`);
    if (misfit !== undefined) return misfit;
  }
  return undefined;
}

function misfitIn(value: unknown, path: string): string | undefined {
  if (typeof value === 'number' && !Number.isFinite(value)) return `${path} is ${value}`;
  if (['string', 'number', 'boolean'].includes(typeof value) || value === null) return undefined;
  if (typeof value !== 'object') return `${path} is of the type ${typeof value}`;
  const isList = Array.isArray(value);
  const kind: unknown = Object.getPrototypeOf(value);
  if (!isList && kind !== Object.prototype && kind !== null) return `${path} is no plain object`;
  for (const [name, each] of Object.entries(value)) {
    // A field without a value is left out, which is the same to who reads it.
    if (each === undefined && !isList) continue;
    const misfit = misfitIn(each, isList ? `${path}[${name}]` : `${path}.${name}`);
    if (misfit !== undefined) return misfit;
  }
  return undefined;
}

/** @returns the place of what lies in itself, such as '.list[0]'; undefined when nothing does */
export function loopIn(value: unknown, above: readonly object[] = []): string | undefined {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return undefined;
  if (above.includes(value)) return '';
  for (const [name, each] of Object.entries(value)) {
    const place = loopIn(each, [...above, value]);
    if (place !== undefined) return `${Array.isArray(value) ? `[${name}]` : `.${name}`}${place}`;
  }
  return undefined;
}

export type ConfigResult =
  | { readonly ok: true; readonly system: SystemDescription }
  | { readonly ok: false; readonly problem: string };

/**
 * Puts configurations into a description that was read from a file.
 *
 * @param json the file's text: an object whose keys are names of protection domains
 */
export function withConfigs(system: SystemDescription, json: string): ConfigResult {
  let configs: unknown;
  try {
    configs = JSON.parse(json);
  } catch (error) {
    return { ok: false, problem: thrownText(error) };
  }
  if (typeof configs !== 'object' || configs === null || Array.isArray(configs)) {
    return { ok: false, problem: 'not an object with names of protection domains as its keys' };
  }
  const byName = new Map<string, unknown>(Object.entries(configs));
  const known = new Set(flatten(system).map(({ pd }) => pd.name));
  const unknown = [...byName.keys()].find((name) => !known.has(name));
  if (unknown !== undefined) {
    return { ok: false, problem: `'${unknown}' is no protection domain of the description` };
  }
  const configure = (pd: PdDescription): PdDescription => ({
    ...pd,
    children: pd.children.map(configure),
    ...(byName.has(pd.name) ? { config: byName.get(pd.name) } : {}),
  });
  const protectionDomains = system.protectionDomains.map(configure);
  return { ok: true, system: { ...system, protectionDomains } };
}
