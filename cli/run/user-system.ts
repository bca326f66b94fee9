/**
 * Runs what a user's own system module exports, and says in one line what is wrong with it. Its
 * mistakes are the user's: nothing that it returns or throws is a failure of the testbed.
 */

import { UserMistake } from '../../host/problem.ts';
import type { BuildResult } from '../../microkit/builder.ts';
import { isBuildResult, isPromise, wrongBuildResult } from '../../systems/described-module.ts';
import { stackOf } from '../../systems/exception-text.ts';
import { areOracles, type Oracle, ORACLES_FORM } from '../../systems/oracle.ts';
import { ChoiceError, type SystemModule } from '../../systems/system.ts';
import { forbidEnding } from '../own-process.ts';
import { callUnchanging } from './pollution.ts';
import { explainChoice } from './choices.ts';
import { thrownText } from '../../memory/thrown-text.ts';

/** @param name how messages call the module @throws UserMistake */
export function buildUserSystem(
  name: string,
  module: SystemModule,
  choices: Readonly<Record<string, string>>,
): BuildResult {
  const built: unknown = blamed(name, 'build', () => module.build(choices));
  if (isBuildResult(built)) return built;
  ignoreRejection(built);
  throw new UserMistake(`${name}: build() ${wrongBuildResult(built)}`);
}

/** The devices of a user's own, put on the board with the same care. */
export function attachUserDevices(
  name: string,
  attachDevices: NonNullable<SystemModule['attachDevices']>,
): NonNullable<SystemModule['attachDevices']> {
  return (board) => {
    const returned: unknown = blamed(name, 'attachDevices', () => attachDevices(board));
    if (!isPromise(returned)) return;
    ignoreRejection(returned);
    throw new UserMistake(`${name}: attachDevices() is async; the board does not wait for it`);
  };
}

/** @throws UserMistake when `options` is not what `--set` can be read by */
export function checkUserOptions(name: string, { options = {} }: SystemModule): void {
  for (const [option, declared] of Object.entries(options as Record<string, unknown>)) {
    if (isSystemOption(declared)) continue;
    const wanted = "{ help: '…', choices: ['a', 'b'], standard: 'a' }";
    throw new UserMistake(`${name}: option '${option}' is not of the form ${wanted}`);
  }
}

/** @throws UserMistake when they are not of the form that `systems/oracle.ts` gives */
export function readUserOracles(name: string, oracles: unknown): readonly Oracle[] | undefined {
  if (oracles === undefined || areOracles(oracles)) return oracles;
  throw new UserMistake(`${name}: ${ORACLES_FORM}`);
}

/** For a module that is loaded, or run for what it describes. @returns what ends this */
export function forbidEndingTo(name: string): () => void {
  return forbidEnding(
    (what) => new UserMistake(`${name}: calls ${what}; a module may not end or move the command`),
  );
}

/**
 * An exception in the user's code is the user's mistake; the first frame in the user's file says
 * where.
 */
function blamed<Value>(name: string, called: string, action: () => Value): Value {
  const allowEnding = forbidEndingTo(name);
  try {
    return callUnchanging(name, `in ${called}()`, action);
  } catch (error) {
    if (error instanceof UserMistake) throw error;
    if (error instanceof ChoiceError) throw explainChoice(name, error);
    const text = thrownText(error);
    const message = error instanceof Error ? text : `throws ${text}`;
    const file = name.replace(/^.*\//, '');
    const stack = error instanceof Error ? stackOf(error) : '';
    const frame = stack.split('\n').find((line) => line.includes(`${file}:`));
    const line = /:(\d+):\d+\)?$/.exec(frame ?? '')?.[1];
    throw new UserMistake(`${name}${line === undefined ? '' : `:${line}`}: ${firstLine(message)}`);
  } finally {
    allowEnding();
  }
}

function firstLine(message: string): string {
  return message.split('\n')[0] ?? '';
}

/** What is refused for being a promise may still be rejected: that is not one more thing to say. */
function ignoreRejection(value: unknown): void {
  if (isPromise(value)) Promise.resolve(value).catch(() => undefined);
}

function isSystemOption(declared: unknown): boolean {
  if (typeof declared !== 'object' || declared === null) return false;
  const { help, choices, standard } = declared as Record<string, unknown>;
  if (typeof help !== 'string' || typeof standard !== 'string') return false;
  return Array.isArray(choices) && choices.includes(standard);
}
