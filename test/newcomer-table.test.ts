/**
 * Goal: the table "Five first changes" in docs/architecture.md counts files that a change touches,
 * and stays true. Method: a thing that is there already stands for the one that would be added; the
 * sources that know it are the files of the table.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const PAGE = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
const [TABLE = ''] = /## Five first changes\n[^]*?(?=\n## )/.exec(PAGE) ?? [];

/** Sources of a room, without tests, by path. */
function sourcesOf(room: string): ReadonlyMap<string, string> {
  const paths = readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
    .map((name) => `${room}/${name}`)
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'));
  return new Map(paths.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
}

function thoseWith(pattern: RegExp, ...rooms: readonly string[]): readonly string[] {
  return rooms
    .flatMap((room) => [...sourcesOf(room)])
    .filter(([, text]) => pattern.test(text))
    .map(([path]) => path)
    .toSorted();
}

describe('the table of first changes', () => {
  it('has five rows, and names what is there', () => {
    const rows = TABLE.split('\n').filter((line) => /^\| [^-]/.test(line));
    const paths = [...TABLE.matchAll(/`((?:[\w-]+\/)+[\w.-]*)`/g)].map(([, path = '']) => path);
    const known = paths.filter((path) => !path.includes('CLASS'));

    expect(rows).toHaveLength(1 + 5);
    expect(known.length).toBeGreaterThan(15);
    expect(known.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('is right about a register of a UART: the scratch register', () => {
    expect(thoseWith(/\bSCR\b/, 'board', 'drivers', 'systems', 'sim')).toEqual([
      'board/uart/ns16550a-registers.ts',
      'board/uart/ns16550a.ts',
    ]);
  });

  it('is right about a virtio device: the disk, to be plugged in', () => {
    expect(thoseWith(/new VirtioBlk\(/, 'board', 'systems', 'cli')).toEqual([
      'systems/attached-devices.ts',
    ]);
    expect(thoseWith(/'\.\.\/blk\/kind\.ts'/, 'cli')).toEqual(['cli/run/attachment-kinds.ts']);
  });

  it('is right about a queue class: its table is known by one line', () => {
    for (const name of ['blk', 'i2c', 'net', 'serial']) {
      const imports = new RegExp(`from '[./]*(?:queues/)?${name}/class\\.ts'`);
      expect(thoseWith(imports, 'queues', 'microkit', 'systems', 'sim', 'debug', 'cli')).toEqual([
        'queues/classes.ts',
      ]);
    }
  });

  it("is right about the scheduler's queues", () => {
    expect(thoseWith(/\breadyHead\b/, 'kernel', 'sim', 'debug', 'systems', 'ipc-models')).toEqual([
      'kernel/sched/ready-queue.ts',
      'kernel/state.ts',
      'sim/oracles/kernel/threads.ts',
    ]);
  });

  it('is right about an option of run: one row, and where it is used', () => {
    const rows = [
      ...(sourcesOf('cli/run').get('cli/run/options.ts') ?? '').matchAll(/flags: '--([\w-]+)/g),
    ];
    const names = rows.map(([, name = '']) => name);

    expect(names.length).toBeGreaterThan(10);
    for (const name of names) {
      const declares = new RegExp(`flags: '(?:-\\w, )?--${name}\\b[^-]`);
      expect([name, thoseWith(declares, 'cli/run')]).toEqual([name, ['cli/run/options.ts']]);
    }
  });
});
