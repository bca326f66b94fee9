/**
 * What a module that describes a system exports: the ready-made ones here, and a user's own for
 * `sddf run ./my-system.ts`. See the README of this room for a complete example.
 */

import type { Board } from '../board/board.ts';
import type { BuildResult } from '../microkit/builder.ts';
import type { ProgramCounterNames } from './counter-names.ts';
import type { Oracle } from './oracle.ts';

export type { ProgramCounterNames } from './counter-names.ts';

/** A choice that a system offers, such as `--path` of echo. */
export interface SystemOption {
  /** One line for help. */
  readonly help: string;
  readonly choices: readonly string[];
  /** One of {@link choices}. */
  readonly standard: string;
}

export interface SystemModule {
  /** One line for lists. */
  readonly summary: string;
  /** By name; left out when there is nothing to choose. */
  readonly options?: Readonly<Record<string, SystemOption>>;
  /**
   * Names of the counters that programs keep in the region that their configuration calls `stats`,
   * by domain.
   */
  readonly counters?: ProgramCounterNames;
  /**
   * Puts devices of the system's own on the board; those that it is plugged into are there anyway.
   */
  readonly attachDevices?: (board: Board) => void;
  /**
   * What must hold of this system besides what holds of all: asked at the end of each world of
   * `sddf sim`.
   */
  readonly oracles?: readonly Oracle[];
  /**
   * Describes the system. Called once for each run.
   *
   * @param choices a choice for each option, checked against {@link options}; those not made have
   * their standard value
   */
  build(choices: Readonly<Record<string, string>>): BuildResult;
}

/** A ready-made system: its module is loaded when it is asked for. */
export interface ReadySystem {
  readonly name: string;
  readonly summary: string;
  load(): Promise<SystemModule>;
}

/** Choices that do not fit a system's options; the message is one line for the user. */
export class ChoiceError extends Error {
  override readonly name = 'ChoiceError';
  /** The word that does not fit, and those that would have. */
  readonly given: string;
  readonly known: readonly string[];

  constructor(message: string, given = '', known: readonly string[] = []) {
    super(message);
    this.given = given;
    this.known = known;
  }
}

/**
 * Fills in the choices that were not made.
 *
 * @throws ChoiceError for an option that the system does not have, or a value that is no choice
 */
export function completeChoices(
  module: Pick<SystemModule, 'options'>,
  made: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const options = module.options ?? {};
  const choices: Record<string, string> = {};
  for (const [name, option] of Object.entries(options)) choices[name] = option.standard;
  for (const [name, value] of Object.entries(made)) {
    const option = Object.hasOwn(options, name) ? options[name] : undefined;
    if (option === undefined) throw unknownOption(name, Object.keys(options));
    if (!option.choices.includes(value)) {
      const message = `${name} is one of ${option.choices.join(', ')}; not '${value}'`;
      throw new ChoiceError(message, value, option.choices);
    }
    choices[name] = value;
  }
  return choices;
}

function unknownOption(name: string, known: readonly string[]): ChoiceError {
  const offered = known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`;
  return new ChoiceError(`this system has no option '${name}'; ${offered}`, name, known);
}

/**
 * @returns the module, or undefined when `loaded` is not one: what `import('./my-system.ts')` has
 * given
 */
export function asSystemModule(loaded: unknown): SystemModule | undefined {
  if (typeof loaded !== 'object' || loaded === null) return undefined;
  if (!('build' in loaded) || typeof loaded.build !== 'function') return undefined;
  const summary = 'summary' in loaded && typeof loaded.summary === 'string' ? loaded.summary : '';
  const { build } = loaded as Pick<SystemModule, 'build'>;
  const options = 'options' in loaded ? (loaded.options as SystemModule['options']) : undefined;
  const counters = 'counters' in loaded ? (loaded.counters as ProgramCounterNames) : undefined;
  const attachDevices =
    'attachDevices' in loaded ? (loaded.attachDevices as SystemModule['attachDevices']) : undefined;
  const oracles = 'oracles' in loaded ? (loaded.oracles as SystemModule['oracles']) : undefined;
  return {
    summary,
    build,
    ...(oracles === undefined ? {} : { oracles }),
    ...(options === undefined ? {} : { options }),
    ...(counters === undefined ? {} : { counters }),
    ...(attachDevices === undefined ? {} : { attachDevices }),
  };
}
