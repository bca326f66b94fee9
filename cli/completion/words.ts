/**
 * What can be completed on a line of `sddf`, read from the commands' own declarations and from the
 * systems' options. The scripts for the shells are made of it.
 *
 * A line's place is a command with those above it, such as `sddf disk create`. What can stand there
 * is a list of words, some of which are no words but say what else may stand there: see
 * {@link Offer}.
 */

import { type Argument, type Command, type Option } from 'commander';
import { systems } from '../../systems/index.ts';
import { type Completes, DeclaredArgument, DeclaredOption } from '../option.ts';

/**
 * One word with what it is about. Or `@files`, `@folders`, `@text` (anything), `@choices` (what
 * `--set` takes), `@systems`; `NAME=@files` is a name with a file behind it.
 */
export interface Offer {
  readonly word: string;
  readonly about: string;
}

export interface Completions {
  /** By place: options, and the commands below it or what its arguments may be. */
  readonly options: ReadonlyMap<string, readonly Offer[]>;
  readonly operands: ReadonlyMap<string, readonly Offer[]>;
  /**
   * By place and option, such as `sddf run --clock`: never empty, so that it tells which options
   * take a value.
   */
  readonly values: ReadonlyMap<string, readonly Offer[]>;
  /** By system, and by system and option, such as `echo path`. */
  readonly choices: ReadonlyMap<string, readonly Offer[]>;
}

/** What is completed of a command of `sddf`. */
export interface NamedCommand {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

export async function completions(commands: readonly NamedCommand[]): Promise<Completions> {
  const places = new Places();
  const tops: Offer[] = [];
  for (const { name, summary, load } of commands) {
    tops.push({ word: name, about: summary });
    places.add(`sddf ${name}`, await load());
  }
  places.addTop(tops);
  const { options, operands, values: taken } = places;
  return { options, operands, values: taken, choices: await choices() };
}

const HELP: Offer = { word: '--help', about: 'tells about the command' };

class Places {
  readonly options = new Map<string, readonly Offer[]>();
  readonly operands = new Map<string, readonly Offer[]>();
  readonly values = new Map<string, readonly Offer[]>();

  addTop(tops: readonly Offer[]): void {
    this.options.set('sddf', [HELP, { word: '--version', about: 'prints the version' }]);
    this.options.set('sddf help', [HELP]);
    this.operands.set('sddf', [...tops, { word: 'help', about: 'tells about a command' }]);
    this.operands.set('sddf help', tops);
  }

  add(place: string, command: Command): void {
    const options = command.options.filter((option) => !isInternal(option));
    this.options.set(place, [...options.map(offerOf), HELP]);
    for (const option of options) {
      if (!option.required) continue;
      for (const name of [option.long, option.short]) {
        if (name !== undefined && name !== null)
          this.values.set(`${place} ${name}`, values(option));
      }
    }
    const below = command.commands.map((child) => ({
      word: child.name(),
      about: child.description(),
    }));
    const operands = command.registeredArguments.flatMap(operandsOf);
    this.operands.set(place, [...below, ...operands]);
    for (const child of command.commands) this.add(`${place} ${child.name()}`, child);
  }
}

/** Of a process that another one starts; options of every run are hidden too, but declared. */
function isInternal(option: Option): boolean {
  return option.hidden && !(option instanceof DeclaredOption);
}

function offerOf(option: Option): Offer {
  return { word: option.long ?? option.flags, about: option.description };
}

function values(option: Option): readonly Offer[] {
  const declared = option instanceof DeclaredOption ? option.completes : {};
  const offers = [...offersOf(declared), ...byPlaceholder(option.flags)];
  return offers.length === 0 ? [other('@text')] : offers;
}

function operandsOf(argument: Argument): readonly Offer[] {
  if (argument instanceof DeclaredArgument) return offersOf(argument.completes);
  if (argument.name() === 'system') return [other('@systems'), other('@files')];
  return byPlaceholder(`<${argument.name()}>`);
}

function offersOf({ words = [], others }: Completes): readonly Offer[] {
  const offers = words.map((word) => ({ word, about: '' }));
  return others === undefined ? offers : [...offers, other(`@${others}`)];
}

/** Everywhere `<file>` is a file, and `<dir>` a folder. */
function byPlaceholder(flags: string): readonly Offer[] {
  if (/<file/.test(flags)) return [other('@files')];
  return /<dir/.test(flags) ? [other('@folders')] : [];
}

function other(word: string): Offer {
  return { word, about: '' };
}

async function choices(): Promise<ReadonlyMap<string, readonly Offer[]>> {
  const found = new Map<string, readonly Offer[]>();
  for (const system of systems) {
    const { name } = system;
    const options = Object.entries((await system.load()).options ?? {});
    found.set(
      name,
      options.map(([option, { help }]) => ({ word: `${option}=`, about: help })),
    );
    for (const [option, { choices: words }] of options) {
      found.set(
        `${name} ${option}`,
        words.map((word) => ({ word: `${option}=${word}`, about: '' })),
      );
    }
  }
  return found;
}
