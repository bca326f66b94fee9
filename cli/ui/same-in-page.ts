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

/** @returns undefined where the page has no such run */
export function sameInPage(
  { name, hasUserPrograms }: LoadedSystem,
  { testbed, set, path }: RunOptions,
  raw: RawOptions,
): Scenario | undefined {
  const isReadyMade = !hasUserPrograms && systems.some((system) => system.name === name);
  const given = Object.entries(raw).filter(([, value]) => isGiven(value));
  const isKnown = given.every(([option]) => KNOWN.has(option));
  if (!isReadyMade || !isKnown || testbed.clock !== 'virtual' || !isAlone(raw)) return undefined;
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
