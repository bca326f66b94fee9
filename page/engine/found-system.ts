/** Where an engine's systems come from: ready-made ones, or the one that a command has loaded. */

import type { SystemDescription } from '../../microkit/model.ts';
import type { WorldSystem } from '../../sim/world.ts';
import { systems } from '../../systems/index.ts';
import { completeChoices, type SystemModule } from '../../systems/system.ts';
import type { SystemInfo } from './protocol.ts';
import type { Scenario } from './scenario.ts';

export interface FoundSystem extends Pick<SystemInfo, 'summary' | 'systems' | 'options'> {
  readonly target: WorldSystem;
  /** Whether any page has it, or a link carries it: then a link says enough. */
  readonly isReadyMade: boolean;
  /** New instances of its programs for one more world, where they may keep something. */
  readonly renew?: () => Promise<WorldSystem>;
  /** No world is made of it any more. */
  readonly close?: () => void;
  /** Of a failure that is looked at again: what came out of its world then. */
  readonly outcome?: string;
}

/**
 * @param binaries files of one's own that are no text
 * @throws Error with what is wrong, as one line
 */
export type FindSystem = (
  scenario: Scenario,
  binaries?: Readonly<Record<string, Uint8Array>>,
) => Promise<FoundSystem>;

type Hooks = Pick<SystemModule, 'counters' | 'attachDevices' | 'oracles'>;

/** What can be chosen in its place. */
export const SYSTEMS = systems.map(({ name, summary }) => ({ name, summary }));

/** A ready-made system. @throws ChoiceError, or Error with what is wrong with the scenario */
export const readyMade: FindSystem = async (scenario) => {
  const ready = systems.find(({ name }) => name === scenario.system);
  if (ready === undefined) throw new Error(`there is no system '${scenario.system}'`);
  return {
    summary: ready.summary,
    systems: SYSTEMS,
    isReadyMade: true,
    ...ofModule(await ready.load(), scenario),
  };
};

/** @throws ChoiceError, or Error with what is wrong with the system */
function ofModule(
  module: SystemModule,
  scenario: Scenario,
): Pick<FoundSystem, 'options' | 'target'> {
  const values = completeChoices(module, scenario.choices);
  return {
    options: shownOptions(module, values),
    target: { system: build(module, values), ...hooksOf(module) },
  };
}

/** What a module brings beside its description. */
export function hooksOf({ counters, attachDevices, oracles }: Hooks): Hooks {
  return {
    ...(counters === undefined ? {} : { counters }),
    ...(attachDevices === undefined ? {} : { attachDevices }),
    ...(oracles === undefined ? {} : { oracles }),
  };
}

/** @param values a choice for each */
export function shownOptions(
  { options = {} }: Pick<SystemModule, 'options'>,
  values: Readonly<Record<string, string>>,
): FoundSystem['options'] {
  return Object.entries(options).map(([name, { help, choices }]) => ({
    name,
    help,
    choices,
    value: values[name] ?? '',
  }));
}

function build(module: SystemModule, values: Readonly<Record<string, string>>): SystemDescription {
  const built = module.build(values);
  if (built.ok) return built.system;
  throw new Error(built.errors.map(({ message }) => message).join('; '));
}
