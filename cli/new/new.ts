/**
 * `sddf new`: scaffolds a driver, a client or a system that runs and has a passing test at once.
 */

import { existsSync, lstatSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { UserMistake, explainSystemError } from '../../host/problem.ts';
import { makeFolder } from '../../host/make-folder.ts';
import { type Place, type ScaffoldKind, scaffold } from './scaffold.ts';
import { openTerminal } from '../terminal.ts';

const PACKAGE = 'sddf-testbed';
const WORD = '[a-z][a-z0-9]*(?:-[a-z0-9]+)*';
const NAME = new RegExp(`^${WORD}$`);
const DRIVER_NAME = new RegExp(`^${WORD}/${WORD}$`);

/** A file's name is made of it. */
const NAME_MAX = 60;
/** Of a driver's device: types, domains and regions of the files that are written have them. */
const TAKEN = ['board', 'client', 'clock', 'device', 'irq-line', 'samples'];

const KINDS: readonly {
  readonly kind: ScaffoldKind;
  readonly argument: string;
  readonly what: string;
}[] = [
  {
    kind: 'driver',
    argument: '<class/name>',
    what: 'a driver with its device, a client and a system that runs them, such as i2c/mychip',
  },
  { kind: 'client', argument: '<name>', what: 'a client program, and a system that runs it' },
  { kind: 'system', argument: '<name>', what: 'a system of two protection domains' },
  { kind: 'test', argument: '<name>', what: 'a scripted test for sddf test, in YAML' },
];

export function newCommand(): Command {
  const command = new Command('new')
    .description(
      'Writes the beginning of a driver, a client, a system or a test, which passes at once.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  sddf new driver i2c/mychip --virtualiser\n  sddf new client packet-counter\n' +
        '  sddf new system pair\n  sddf new test ping',
    );
  for (const { kind, argument, what } of KINDS) {
    const made = command
      .command(kind)
      .description(`Writes ${what}.`)
      .argument(argument, 'lower-case words joined by -')
      .action((name: string, given: { readonly virtualiser?: true }) =>
        create(kind, name, given.virtualiser === true ? 'with' : 'without'),
      );
    if (kind === 'driver') {
      made.option('--virtualiser', 'a virtualiser as well, which shares the device of two clients');
    }
  }
  return command;
}

function create(kind: ScaffoldKind, name: string, virtualiser: 'with' | 'without'): void {
  if (kind === 'driver' && !DRIVER_NAME.test(name)) {
    throw new UserMistake(`'${name}' is not CLASS/NAME, such as network/mynic`);
  }
  const own = name.split('/').at(-1) ?? '';
  if (name.length > NAME_MAX)
    throw new UserMistake(`a name of ${name.length} letters: at most ${NAME_MAX}`);
  if (kind === 'driver' && TAKEN.includes(own)) {
    throw new UserMistake(`'${own}' is a name that the files use themselves; choose another`);
  }
  if (kind !== 'driver' && !NAME.test(name)) {
    throw new UserMistake(`'${name}' is no name: lower-case words joined by -, as packet-counter`);
  }
  const place = placeOf(process.cwd());
  // A scripted test imports nothing.
  if (place === 'project' && kind !== 'test') checkInstalled();
  const { files, next } = scaffold(kind, name, place, virtualiser);
  const taken = [...files.keys()].map(takenPart).find((part) => part !== undefined);
  if (taken !== undefined) {
    throw new UserMistake(`${taken} exists already; nothing was written, choose another name`);
  }
  const terminal = openTerminal('stdout');
  for (const [path, text] of files) {
    write(path, text);
    terminal.print(path);
  }
  const first = place === 'project' && !isOfModules() ? ['npm pkg set type=module'] : [];
  terminal.print(`next:\n${[...first, ...next].map((line) => `  ${line}`).join('\n')}`);
}

/** @returns the part of a path that is there already and is no folder, or is the file itself */
function takenPart(path: string): string | undefined {
  for (let above = dirname(path); above !== '.'; above = dirname(above)) {
    if (!existsSync(above)) continue;
    if (!statSync(above).isDirectory()) return above;
    break;
  }
  return lstatSync(path, { throwIfNoEntry: false }) === undefined ? undefined : path;
}

function write(path: string, text: string): void {
  try {
    makeFolder(dirname(path));
    writeFileSync(path, text, { flag: 'wx' });
  } catch (error) {
    throw explainSystemError(error, path);
  }
}

/** What is written imports the package: without it, neither the test nor the system would run. */
function checkInstalled(): void {
  if (
    moduleFolders(process.cwd()).some((folder) => existsSync(join(folder, PACKAGE, 'package.json')))
  )
    return;
  throw new UserMistake(
    `${PACKAGE} is not installed in this folder, and what is written needs it; first do ` +
      `npm install PATH/${PACKAGE}-….tgz (npm pack in its repository makes that file)`,
  );
}

/** @returns `node_modules` of a folder and of each above it, where Node looks for packages */
function moduleFolders(folder: string): readonly string[] {
  const above = dirname(folder);
  return [join(folder, 'node_modules'), ...(above === folder ? [] : moduleFolders(above))];
}

/**
 * Whether the project's files are ES modules. As CommonJS, a test and the system that it loads
 * would have a copy of the package each.
 */
function isOfModules(): boolean {
  const manifest = join(process.cwd(), 'package.json');
  if (!existsSync(manifest)) return false;
  return /"type":\s*"module"/.test(readFileSync(manifest, 'utf8'));
}

/** This repository is where package.json has its name. */
function placeOf(folder: string): Place {
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) return 'project';
  return /"name":\s*"sddf-testbed"/.test(readFileSync(manifest, 'utf8')) ? 'repository' : 'project';
}
