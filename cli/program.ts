/**
 * The `sddf` program: finds the command, loads only that one, and turns every way of failing into
 * one line and an exit status: 0 success, 2 the user's mistake, 1 a failure.
 */

import { existsSync, readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { compileAsUsual, compileSparingly } from '../host/engine.ts';
import { UserMistake } from '../host/problem.ts';
import { userBlame } from '../systems/exception-text.ts';
import { bugText } from './blame.ts';
import { didYouMean } from './closest.ts';
import { commands } from './commands.ts';
import { STATUS } from './exit.ts';
import { withoutControls } from './terminal.ts';

/**
 * Runs one command.
 *
 * @param args what stands behind `sddf` on the command line
 * @returns the exit status
 */
export async function runProgram(args: readonly string[]): Promise<number> {
  let program: Command | undefined;
  try {
    compileSparingly(); // what a command loads runs once
    program = await buildProgram(args);
    compileAsUsual();
    if ((await askedAboutSystem(program, args)) === 'told') return 0;
    await program.parseAsync([...args], { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    return explain(error, args, program);
  }
}

async function buildProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('sddf');
  program
    .description('A testbed for user-space device drivers in the manner of sDDF.')
    .usage('COMMAND [options]')
    .version(packageVersion(), '-V, --version', 'prints the version')
    .addHelpCommand(helpCommand())
    .addHelpText('after', EXAMPLES);
  const wanted = args.find((word) => !word.startsWith('-') && word !== 'help');
  for (const entry of commands) {
    program.commandsGroup(entry.group);
    if (entry.name === wanted) program.addCommand(await entry.load());
    else program.command(entry.name).description(entry.summary);
  }
  settle(program);
  return program;
}

function helpCommand(): Command {
  return new Command('help')
    .argument('[command]')
    .helpOption(false)
    .description('tells about a command')
    .helpGroup('The command itself:');
}

/** `sddf run echo --help` tells what `--set` takes for echo. */
async function askedAboutSystem(
  program: Command,
  args: readonly string[],
): Promise<'told' | 'not asked'> {
  if (!args.includes('--help') && !args.includes('-h')) return 'not asked';
  const command = commandLine(args, program).at(-1);
  if (command?.registeredArguments[0]?.name() !== 'system') return 'not asked';
  const { tellAboutSystem } = await import('./run/system-help.ts');
  return tellAboutSystem(command, args);
}

/**
 * What holds for every command, however deep: throw instead of exiting, write no error texts of its
 * own.
 */
function settle(command: Command): void {
  command.exitOverride();
  command.configureOutput({ writeErr: () => undefined });
  command.allowExcessArguments(false);
  command.showSuggestionAfterError(false); // ours are one line, and know hidden options too
  for (const child of command.commands) settle(child);
}

/** The version in the nearest package.json: one folder up in the sources, two up in dist/. */
function packageVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    const url = new URL(path, import.meta.url);
    if (!existsSync(url)) continue;
    const manifest: unknown = JSON.parse(readFileSync(url, 'utf8'));
    if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) {
      return String(manifest.version);
    }
  }
  return 'unknown';
}

const EXAMPLES = `
Examples:
  sddf list                                              the ready-made systems
  sddf run echo --net user,hostfwd=udp::1235-:1235       then: echo hi | nc -u -w1 127.0.0.1 1235
  sddf run echo --net loop --clock virtual --for 100ms --json
  sddf run DIR/echo.system --search-path DIR             your own Microkit images (RISC-V ELF files)
  sddf sim echo --seeds 1..20                            the same system, broken in twenty ways
  sddf COMMAND --help                                    options and examples of a command`;

/** A line on standard error, which a file's name or a device's message must not steer. */
function complain(text: string): void {
  console.error(withoutControls(text));
}

function explain(error: unknown, args: readonly string[], program: Command | undefined): number {
  if (error instanceof CommanderError) return explainUsage(error, args, program);
  if (error instanceof UserMistake) {
    complain(`sddf: ${error.message}`);
    return STATUS.mistake;
  }
  const blamed = userBlame(error);
  if (blamed === undefined) {
    const report = 'internal failure; please report it with the command line';
    complain(`sddf: ${report}\n${bugText(error)}`);
  } else {
    complain(`sddf: ${blamed}`);
  }
  return STATUS.failed;
}

function explainUsage(
  error: CommanderError,
  args: readonly string[],
  program: Command | undefined,
): number {
  if (error.exitCode === 0) return 0; // --help has been printed
  complain(`sddf: ${usageProblem(error, args, program)}`);
  return STATUS.mistake;
}

function usageProblem(
  error: CommanderError,
  args: readonly string[],
  program: Command | undefined,
): string {
  if (error.code === 'commander.help' || error.code === 'commander.unknownCommand') {
    return commandProblem(args, commandLine(args, program));
  }
  const message = error.message
    .replace(/^error: /, '')
    .replace(/\s+/g, ' ')
    .replace(/\.$/, '');
  const line = commandLine(args, program);
  const names = line.map((command) => command.name()).join(' ');
  const unknown = /^unknown option '([^']+)'$/.exec(message)?.[1];
  const known = line.flatMap(({ options }) => options.flatMap(({ long }) => long ?? []));
  const meant = unknown === undefined ? '' : didYouMean(unknown, known);
  return `${message}${meant}; see ${names} --help`;
}

/** There is no such command, or it is one that needs another word behind it. */
function commandProblem(args: readonly string[], line: readonly Command[]): string {
  const names = line.map((command) => command.name());
  const known = line.at(-1)?.commands.map((command) => command.name()) ?? [];
  const word = args.find((one) => !one.startsWith('-') && one !== 'help' && !names.includes(one));
  const help = `${names.join(' ')} --help`;
  if (word !== undefined) return `unknown command '${word}'${didYouMean(word, known)}; try ${help}`;
  if (line.length < 2) return `no command given; try ${help}`;
  return `${names.slice(1).join(' ')} needs a command of its own; see ${help}`;
}

/** The command that was meant, with those above it: `sddf`, `disk`, `create`. */
function commandLine(args: readonly string[], program: Command | undefined): readonly Command[] {
  if (program === undefined) return [];
  const line = [program];
  for (const word of args) {
    const child = line.at(-1)?.commands.find((each) => each.name() === word);
    if (child !== undefined) line.push(child);
  }
  return line;
}
