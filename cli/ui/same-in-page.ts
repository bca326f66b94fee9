/**
 * A live run as the page's own engine has it. A run has bridges, and what they bring is not kept,
 * so a live page cannot go back; a run that has none depends on its options alone, and a page can
 * run it again.
 */

import { DISK_BYTES, type Scenario } from '../../page/engine/scenario.ts';
import { systems } from '../../systems/index.ts';
import type { RawOptions } from '../option.ts';
import type { RunOptions } from '../run/options.ts';
import type { LoadedSystem } from '../run/loaded-system.ts';

/** Options that change nothing of what happens, and those that a scenario has. */
const KNOWN: ReadonlySet<string> = new Set([
  ...['ui', 'uiPort', 'for', 'json', 'logLimit', 'expectQuiet'],
  ...['clock', 'seed', 'ram', 'set', 'path', 'net', 'rate', 'burst', 'frame', 'serial', 'disk'],
]);
const DISK = `mem=${DISK_BYTES / 1024}K`;

/** @returns why it has none, as a sentence's end, where it has none */
export function sameInPage(
  loaded: LoadedSystem,
  options: RunOptions,
  raw: RawOptions,
): Scenario | string {
  const why = whyNone(loaded, options, raw);
  if (why !== undefined) return why;
  const { name } = loaded;
  const { testbed, set, path } = options;
  const [rate, frame] = [numberOf(raw['rate']), numberOf(raw['frame'])];
  return {
    system: name,
    choices: { ...(path === undefined ? {} : { path }), ...Object.fromEntries(set) },
    seed: testbed.seed,
    net: 'loop',
    ...(rate === undefined ? {} : { rate }),
    ...(frame === undefined ? {} : { frame }),
    ...(testbed.ramBytes === undefined ? {} : { ramBytes: testbed.ramBytes }),
    plan: '',
    inputs: [],
  };
}

function whyNone(
  { name, hasUserPrograms }: LoadedSystem,
  { testbed }: RunOptions,
  raw: RawOptions,
): string | undefined {
  if (testbed.clock !== 'virtual') {
    return 'its clock is the one on the wall, by which nothing comes again; see --clock virtual';
  }
  if (!isAlone(raw))
    return 'what comes from outside, through what it is plugged into, does not come again';
  if (hasUserPrograms || !systems.some((system) => system.name === name)) {
    return 'it has programs of your own; drop them onto the page, where they go back and forth';
  }
  const unknown = Object.entries(raw).find(
    ([option, value]) => isGiven(value) && !KNOWN.has(option),
  );
  if (unknown === undefined) return undefined;
  const word = unknown[0].replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return `the page, which would run it again, has no --${word}`;
}

/** Options that may be repeated are lists, which are empty when they are not there. */
function isGiven(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
}

/** Whether nothing but what the page has is plugged in. */
function isAlone(raw: RawOptions): boolean {
  const words = (option: string): readonly unknown[] => {
    const value = raw[option];
    return Array.isArray(value) ? value : value === undefined ? [] : [value];
  };
  // The page's generator sends bursts only as fast as a link goes.
  const isPaced = raw['rate'] === undefined ? raw['burst'] === undefined : raw['burst'] === '1';
  return (
    isPaced &&
    words('net').every((word) => word === 'loop') &&
    words('serial').every((word) => word === 'none') &&
    words('disk').every((word) => word === DISK || word === `${DISK},fat,sector=512`)
  );
}

function numberOf(value: unknown): number | undefined {
  const number = Number(value);
  return value === undefined || !Number.isInteger(number) ? undefined : number;
}
