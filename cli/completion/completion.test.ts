/**
 * Goal: what Tab offers on a line of `sddf`. Method: the script is printed as a user would, and run
 * in the shell itself: bash calls its function as readline does, zsh is typed to on a terminal of
 * its own, fish is asked with `complete -C`. A shell that is not here is skipped by name.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';
import { commands } from '../commands.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-completion-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  writeFileSync(join(folder, 'disk.img'), '');
  writeFileSync(join(folder, 'my-system.ts'), '');
  mkdirSync(join(folder, 'programs'));
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { status, stdout } = await sddfInProcess('completion', shell);
    expect(status).toBe(0);
    writeFileSync(join(folder, `script.${shell}`), stdout);
  }
});

/** A line, and all that may stand at its end. */
const OFFERED: readonly (readonly [string, readonly string[]])[] = [
  ['sddf ru', ['run']],
  ['sddf run ec', ['echo']],
  ['sddf run pas', ['passive_server']],
  ['sddf run my-', ['my-system.ts']],
  ['sddf run echo --cl', ['--clock']],
  ['sddf run echo --clock ', ['host', 'virtual']],
  ['sddf run echo --clock=v', ['--clock=virtual']],
  [
    'sddf run --clock virtual echo --set ',
    [
      'address=',
      'checksums=',
      'client=',
      'clients=',
      'closed=',
      'code=',
      'copier=',
      'driver=',
      'hang=',
      'path=',
      'restart=',
      'rx=',
      'supervised=',
      'tx=',
    ],
  ],
  ['sddf run echo --set path=', ['path=5pd', 'path=4pd', 'path=2pd', 'path=dummy']],
  ['sddf run serial --set uart=p', ['uart=pl011']],
  ['sddf graph echo --set clients=3', ['clients=32']],
  ['sddf run hello --set ', []],
  ['sddf run echo --for ', []],
  ['sddf run blk --disk ', ['file=', 'mem=']],
  ['sddf run blk --disk file=d', ['file=disk.img']],
  ['sddf run echo --net str', ['stream,server=', 'stream,connect=']],
  ['sddf run a.system --search-path p', ['programs']],
  ['sddf trace echo --capt', ['--capture']],
  ['sddf trace echo -o d', ['disk.img']],
  ['sddf bench ne', ['net']],
  ['sddf disk ', ['create']],
  ['sddf disk create --gp', ['--gpt']],
  ['sddf completion ', ['bash', 'zsh', 'fish']],
  ['sddf help lis', ['list']],
  ['sddf nope ', []],
];

function run(shell: string, args: readonly string[]): string {
  const ended = spawnSync(shell, args, { cwd: folder, encoding: 'utf8', timeout: 60_000 });
  expect({ status: ended.status, stderr: ended.stderr }).toEqual({ status: 0, stderr: '' });
  return ended.stdout;
}

function has(shell: string): boolean {
  return spawnSync(shell, ['--version']).status === 0;
}

const sorted = (words: readonly string[]): readonly string[] => words.toSorted();

describe.skipIf(!has('bash'))('in bash', () => {
  const DRIVER = `
    source ./script.bash
    for COMP_LINE in "$@"; do
      COMP_POINT=\${#COMP_LINE}
      _sddf
      printf '%s\\n' "\${COMPREPLY[@]}" .
    done`;

  /**
   * What readline would put in the place of the last word: it keeps what stands before the last `=`
   * or `:`.
   */
  function offers(lines: readonly string[], breaks: string): readonly (readonly string[])[] {
    const driver = `COMP_WORDBREAKS=$'${breaks}'${DRIVER}`;
    const text = run('bash', ['--noprofile', '--norc', '-c', driver, 'bash', ...lines]);
    return text
      .split('.\n')
      .slice(0, -1)
      .map((part) => part.split('\n').filter((word) => word !== ''));
  }

  it('offers what the line may go on with', () => {
    const lines = OFFERED.map(([line]) => line);
    const found = offers(lines, ' \\t\\n');

    expect(lines.map((line, index) => [line, sorted(found[index] ?? [])])).toEqual(
      OFFERED.map(([line, words]) => [line, sorted(words)]),
    );
  });

  it('offers what stands behind the break of a word, where bash breaks at = and :', () => {
    const lines = [
      'sddf run echo --set path=4',
      'sddf run blk --nbd uni',
      'sddf run blk --disk file=d',
    ];

    expect(offers(lines, ' \\t\\n=:')).toEqual([['4pd'], ['unix:'], ['disk.img']]);
  });

  it('offers every command', () => {
    const [found = []] = offers(['sddf '], ' \\t\\n=:');

    expect(sorted(found)).toEqual(sorted([...commands.map(({ name }) => name), 'help']));
  });

  it('does not offer options that processes give each other', () => {
    expect(offers(['sddf bench net --par', 'sddf bench net --qu'], ' \\t\\n')).toEqual([
      [],
      ['--quick'],
    ]);
  });

  it('registers itself for sddf', () => {
    expect(run('bash', ['--norc', '-c', 'source ./script.bash; complete -p sddf'])).toBe(
      'complete -F _sddf sddf\n',
    );
  });
});

describe.skipIf(!has('fish'))('in fish', () => {
  it('offers what the line may go on with, and what it is about', () => {
    const driver = `
      source ./script.fish
      for line in $argv
        complete -C $line
        echo .
      end`;
    const lines = OFFERED.map(([line]) => line);
    const text = run('fish', ['--no-config', '-c', driver, ...lines]);
    const found = text
      .split(/^\.\n/m)
      .slice(0, -1)
      .map((part) => part.split('\n').filter((word) => word !== ''));
    const words = found.map((rows) =>
      rows.map((row) => row.split('\t')[0]?.replace(/\/$/, '') ?? ''),
    );

    expect(lines.map((line, index) => [line, sorted(words[index] ?? [])])).toEqual(
      OFFERED.map(([line, offered]) => [line, sorted(offered)]),
    );
    expect(found[0]).toEqual(['run\tboots a system and runs it, live or under the virtual clock']);
  });
});

describe.skipIf(!has('zsh'))('in zsh', () => {
  /** Each line is typed with Tab behind it; another key prints what the line has become. */
  const DRIVER = `
    zmodload zsh/zpty
    zpty -b shell zsh -f -i
    zpty -w shell 'autoload -Uz compinit; compinit -u -D; source ./script.zsh'
    zpty -w shell 'show() { print -r -- "<<$BUFFER>>"; BUFFER= }; zle -N show; bindkey "^X" show'
    zpty -w shell 'unsetopt auto_menu; print -r -- "rea"dy'
    zpty -r shell out '*ready*'
    for line in "$@"; do
      zpty -n -w shell "$line"$'\\t\\x18'
      zpty -r shell out '*<<*>>*'
      print -r -- "\${\${out##*<<}%%>>*}"
    done
    zpty -d shell`;

  it('completes a line', () => {
    const typed: readonly (readonly [string, string])[] = [
      ['sddf ru', 'sddf run '],
      ['sddf run ec', 'sddf run echo '],
      ['sddf run echo --set pa', 'sddf run echo --set path='],
      ['sddf run echo --set path=4', 'sddf run echo --set path=4pd '],
      ['sddf run echo --clock v', 'sddf run echo --clock virtual '],
      ['sddf run blk --disk file=d', 'sddf run blk --disk file=disk.img '],
      ['sddf run a.system --search-path p', 'sddf run a.system --search-path programs/'],
      ['sddf trace echo --capt', 'sddf trace echo --capture '],
      ['sddf disk c', 'sddf disk create '],
    ];
    const text = run('zsh', ['-f', '-c', DRIVER, 'zsh', ...typed.map(([line]) => line)]);

    expect(text.split('\n')).toEqual([...typed.map(([, line]) => line), '']);
  });
});

describe('sddf completion', () => {
  it('says which shells it knows', async () => {
    const { status, stderr } = await sddfInProcess('completion', 'bsh');

    expect(status).toBe(2);
    expect(stderr).toBe(
      "sddf: completion: 'bsh' is none of bash, zsh, fish (did you mean bash?)\n",
    );
  });
});
