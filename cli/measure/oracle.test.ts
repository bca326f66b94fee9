// sddf oracle: exit status, and what it says of a recording that our kernel answers otherwise.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { runProgram } from '../program.ts';

const folder = mkdtempSync(join(tmpdir(), 'oracle-'));
const call = { i: 0, op: 'NBSend', sys: 'NBSend', cptr: 17, label: 99, mrs: [], caps: [] };

function recording(name: string, answer: object): string {
  const records = [{ trace: 5, family: 1 }, { ...call, ans: answer }, { end: 1 }];
  const text = records.map((record) => JSON.stringify(record)).join('\n');
  const path = join(folder, name);
  writeFileSync(path, name.endsWith('.gz') ? gzipSync(text) : text);
  return path;
}

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});
afterAll(() => rmSync(folder, { recursive: true }));

async function run(...args: string[]): Promise<{ status: number; out: string }> {
  const out: string[] = [];
  const collect = (text: string | Uint8Array): boolean => {
    out.push(String(text));
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(collect);
  vi.spyOn(process.stderr, 'write').mockImplementation(collect);
  vi.spyOn(console, 'error').mockImplementation((text: string) => void out.push(text));
  const status = await runProgram(['oracle', ...args]);
  return { status, out: out.join('') };
}

describe('sddf oracle', () => {
  it('ends with 0 when every answer is the same', async () => {
    const { status, out } = await run(recording('same.jsonl.gz', { ret: 0 }));

    expect(status).toBe(0);
    expect(out).toContain('1 traces, 2 answers compared, 0 diverged');
  });

  it('takes the general path when it is told to', async () => {
    const { status, out } = await run('--no-fastpath', recording('same.jsonl', { ret: 0 }));

    expect(status).toBe(0);
    expect(out).toContain('0 diverged (general path alone)');
  });

  it('prints a divergence and ends with 1', async () => {
    const { status, out } = await run(recording('other.jsonl', { ret: 1 }));

    expect(status).toBe(1);
    expect(out).toContain('family 1, trace 5, step 0: NBSend');
    expect(out).toContain('due      {"ret":1}');
    expect(out).toContain('given    {"ret":0}');
  });

  it('prints JSON', async () => {
    const { out } = await run('--json', recording('same.jsonl', { ret: 0 }));

    expect(JSON.parse(out)).toMatchObject({ traces: 1, diverged: 0, divergences: [] });
  });

  it.each([
    ['a word that is none', { ...call, cptr: 'zz', ans: 0 }, "line 2: a record 'i' with fields"],
    ['a list that is none', { ...call, mrs: 5, ans: 0 }, "line 2: a record 'i' with fields"],
    ['a helper that is not there', { run: [3], log: [] }, 'line 2: there is no helper 3'],
    ['a record that is none', { what: 1 }, 'line 2: an unknown record'],
  ])('refuses a damaged recording in one line: %s', async (_what, record, message) => {
    const path = join(folder, 'damaged.jsonl');
    const records = [{ trace: 5, family: 1 }, record, { end: 1 }];
    writeFileSync(path, records.map((each) => JSON.stringify(each)).join('\n'));
    const { status, out } = await run(path);

    expect(out).toContain(message);
    expect(out.trimEnd().split('\n')).toHaveLength(1);
    expect(status).toBe(2);
  });

  it.each([
    [['missing.jsonl'], 'there is no such file'],
    [['--first', 'x', 'missing.jsonl'], "--first: 'x' is no number"],
    [[mkdtempSync(join(folder, 'empty-'))], 'no recordings'],
  ])('refuses %j', async (args, line) => {
    const { status, out } = await run(...args);

    expect(status).toBe(2);
    expect(out).toContain(line);
  });
});
