/**
 * Goal: a declaration alone says how an option is written, read, shown and left out. Method:
 * tables, given to commander.
 */

import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { UserMistake } from '../host/problem.ts';
import {
  addOptions,
  asWritten,
  choice,
  flag,
  type HowShown,
  type RawOptions,
  readOptions,
  text,
  texts,
} from './option.ts';
import { parseDuration } from './quantities.ts';

const TABLE = {
  forNs: text({ flags: '--for <duration>', help: 'how long', parse: parseDuration }),
  seed: text({ flags: '--seed <number>', help: 'seed', standard: '7', parse: Number }),
  clock: choice({ flags: '--clock <clock>', help: 'clock', words: ['host', 'virtual'] }),
  line: text({ flags: '--line <line>', help: 'line', parse: asWritten, twice: 'refused' }),
  sets: texts({ flags: '--set-all <name>', help: 'sets', parse: (given) => given.length }),
  output: flag({ flags: '-j, --json', help: 'JSON', words: ['text', 'json'] }),
};

function commandWith(shown?: HowShown): Command {
  const command = new Command('try').exitOverride().configureOutput({ writeErr: () => undefined });
  addOptions(command, TABLE, shown);
  return command;
}

function read(...words: string[]): unknown {
  const raw: RawOptions = commandWith().parse(words, { from: 'user' }).opts();
  return readOptions(TABLE, raw);
}

describe('a table of options', () => {
  it('gives standard values, and no key for what has none', () => {
    expect(read()).toStrictEqual({ seed: 7, sets: [], output: 'text' });
  });

  it('reads each text by its own rule, under the key of the table', () => {
    const words = '--for 2s --seed 1 --clock virtual --set-all a --set-all bcd -j --line x';
    const forNs = 2e9;
    const clock = 'virtual';

    expect(read(...words.split(' '))).toStrictEqual({
      forNs,
      seed: 1,
      clock,
      line: 'x',
      sets: [1, 3],
      output: 'json',
    });
  });

  it('takes the last of two texts, unless that is refused', () => {
    expect(read('--seed', '1', '--seed', '2')).toMatchObject({ seed: 2 });
    expect(() => read('--line', 'a', '--line', 'b')).toThrow('--line is given twice');
  });

  it.each([
    ['--for 3', "--for: '3' is not a duration such as 3s, 500ms or 2m"],
    ['--clock hots', "--clock: 'hots' is none of host, virtual (did you mean host?)"],
  ])('names the option in the mistake %s', (line, message) => {
    expect(() => read(...line.split(' '))).toThrow(new UserMistake(message));
  });
});

describe('help', () => {
  it('shows the standard value, and the heading', () => {
    const help = commandWith({ heading: 'Trying:' }).helpInformation();

    expect(help).toMatch(/^Trying:\n {2}--for <duration> +how long$/m);
    expect(help).toMatch(/--seed <number> +seed \(default: 7\)$/m);
  });

  it('does not show what another command tells about', () => {
    const help = commandWith({ inHelp: 'no' }).helpInformation();

    expect(help).not.toContain('--for');
  });
});
