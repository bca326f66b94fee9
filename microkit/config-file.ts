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

/** @returns the JSON text, the same one for the same configurations */
export function renderConfigs(system: SystemDescription): string {
  return `${JSON.stringify(configsOf(system), undefined, 2)}\n`;
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
