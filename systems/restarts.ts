/**
 * Which domains of a supervised system have died and been started again, and what it has cost: read
 * from outside, from the pages of the restart protocol (`docs/restart.md`).
 */

import { flatten, type SystemDescription } from '../microkit/model.ts';
import type { SupervisorConfig } from '../queues/restart/config.ts';
import {
  isDown,
  readDownTime,
  readEpoch,
  readRefused,
  readTakenBack,
} from '../queues/restart/pages.ts';
import type { Testbed } from './testbed.ts';

export interface Restarts {
  readonly domain: string;
  /** How often it has gone down: by its own fault, or with another. */
  readonly times: number;
  readonly state: 'runs' | 'down';
  /** How long it has been down in all, up to its last start, ns. */
  readonly downNs: number;
}

export interface RestartReport {
  readonly restarts: readonly Restarts[];
  /** Buffers that domains have taken back from neighbours that were down. */
  readonly takenBack: Readonly<Record<string, number>>;
  /** Epochs that domains did not believe. */
  readonly refused: Readonly<Record<string, number>>;
}

/** @returns undefined when nobody is supervised, or nobody has died */
export function restartReport(testbed: Testbed): RestartReport | undefined {
  const found = supervisors(testbed.system).map(([supervisor, config]) =>
    reportOf(testbed, supervisor, config),
  );
  const report = {
    restarts: found.flatMap(({ restarts }) => restarts),
    takenBack: Object.assign({}, ...found.map(({ takenBack }) => takenBack)),
    refused: Object.assign({}, ...found.map(({ refused }) => refused)),
  };
  const isUneventful = report.restarts.length === 0 && Object.keys(report.refused).length === 0;
  return isUneventful ? undefined : report;
}

function reportOf(testbed: Testbed, supervisor: string, config: SupervisorConfig): RestartReport {
  const epochs = testbed.inspect(supervisor, config.epochs);
  if (epochs === undefined) return { restarts: [], takenBack: {}, refused: {} };
  const restarts = config.children.flatMap(({ name, child }): readonly Restarts[] => {
    const epoch = readEpoch(epochs, child);
    if (epoch === 0) return [];
    const state = isDown(epoch) ? 'down' : 'runs';
    return [{ domain: name, times: (epoch + 1) >>> 1, state, downNs: readDownTime(epochs, child) }];
  });
  const counted = (read: typeof readTakenBack): Readonly<Record<string, number>> =>
    Object.fromEntries(
      config.children.flatMap(({ name, member }) => {
        const page = member === undefined ? undefined : testbed.inspect(supervisor, member.answers);
        const value = page === undefined ? 0 : read(page);
        return value === 0 ? [] : [[name, value] as const];
      }),
    );
  return { restarts, takenBack: counted(readTakenBack), refused: counted(readRefused) };
}

/** Domains whose record is a supervisor's, with it. */
function supervisors(
  system: SystemDescription,
): readonly (readonly [name: string, config: SupervisorConfig])[] {
  return flatten(system).flatMap(({ pd: { name, config } }) =>
    isSupervisor(config) ? [[name, config] as const] : [],
  );
}

function isSupervisor(config: unknown): config is SupervisorConfig {
  return (
    typeof config === 'object' &&
    config !== null &&
    'epochs' in config &&
    'children' in config &&
    'policy' in config
  );
}
