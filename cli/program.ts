/**
 * The `sddf` program: finds the command, loads only that one, and turns every way of failing into one line and an exit
 * status: 0 success, 2 the user's mistake, 1 a failure.
 */

import { existsSync, readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { UserMistake } from '../host/problem.ts';
import { commands } from './commands.ts';

const EXIT_FAILURE = 1;
const EXIT_MISTAKE = 2;

/**
 * Runs one command.
 *
 * @param args what stands behind `sddf` on the command line
 * @returns the exit status
 */
export async function runProgram(args: readonly string[]): Promise<number> {
  let program: Command | undefined;
  try {
    program = await buildProgram(args);
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
    .helpCommand('help [command]', 'tells about a command')
    .addHelpText('after', EXAMPLES);
  const wanted = args.find((word) => !word.startsWith('-') && word !== 'help');
  for (const entry of commands) {
    if (entry.name === wanted) program.addCommand(await entry.load());
    else program.command(entry.name).description(entry.summary);
  }
  settle(program);
  return program;
}

/** What holds for every command, however deep: throw instead of exiting, write no error texts of its own. */
function settle(command: Command): void {
  command.exitOverride();
  command.configureOutput({ writeErr: () => undefined });
  command.allowExcessArguments(false);
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
  sddf COMMAND --help                                    options and examples of a command`;

function explain(error: unknown, args: readonly string[], program: Command | undefined): number {
  if (error instanceof CommanderError) return explainUsage(error, args, program);
  if (error instanceof UserMistake) {
    console.error(`sddf: ${error.message}`);
    return EXIT_MISTAKE;
  }
  // Our own bug: whoever reports it needs the stack.
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  console.error(`sddf: internal failure; please report it with the command line\n${what}`);
  return EXIT_FAILURE;
}

function explainUsage(
  error: CommanderError,
  args: readonly string[],
  program: Command | undefined,
): number {
  if (error.exitCode === 0) return 0; // --help has been printed
  if (error.code === 'commander.help') {
    const word = args.find((one) => !one.startsWith('-') && one !== 'help');
    if (commands.some((entry) => entry.name === word)) {
      console.error(`sddf: ${word} needs a command of its own; see sddf ${word} --help`);
      return EXIT_MISTAKE;
    }
    const what = word === undefined ? 'no command given' : `unknown command '${word}'`;
    console.error(`sddf: ${what}; try sddf --help`);
    return EXIT_MISTAKE;
  }
  const message = error.message
    .replace(/^error: /, '')
    .replace(/\s*\n\((.*?)\)$/s, ' ($1)')
    .replace(/\s+/g, ' ')
    .replace(/\.$/, '');
  console.error(`sddf: ${message}; see ${commandLine(args, program)} --help`);
  return EXIT_MISTAKE;
}

/** The command that was meant, with its sub-command: `sddf disk create`. */
function commandLine(args: readonly string[], program: Command | undefined): string {
  const names = ['sddf'];
  let command = program;
  for (const word of args) {
    const child = command?.commands.find((each) => each.name() === word);
    if (child === undefined) continue;
    names.push(word);
    command = child;
  }
  return names.join(' ');
}
