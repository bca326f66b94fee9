/**
 * The `sddf` commands in README and docs do what a reader would see: each is run, in an empty
 * folder with the files that it names. A command that stays up is given `--for`; one that needs a
 * tool or hardware is skipped by name.
 *
 * The tutorial's files are run by `package.test.ts`, from the installed package.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { sddfInFolder } from './support/sddf-in-process.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const PAGES = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'));

/** Why a command is not run here. */
const SKIPPED: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  { pattern: /--wireshark/, reason: 'opens a window' },
  {
    pattern: /--net (?:nic\d=)?(?:tap|vde|passt)/,
    reason: 'test/edge runs them in a network of its own',
  },
  { pattern: /--net slirp/, reason: 'needs libslirp; host/net/slirp-bridge.test.ts has it' },
  { pattern: /\/dev\/tty/, reason: 'needs a serial port' },
  { pattern: /--serial (?:stdio|pty)|run fat/, reason: 'needs a terminal' },
  { pattern: /\|/, reason: 'the other side of the pipe is tested in host/net' },
  { pattern: /my-system\.ts|FILE|SYSTEM|DIR/, reason: 'names a file of the reader' },
  { pattern: /--gdb/, reason: 'waits for GDB; test/debug/gdb.test.ts has both' },
  { pattern: /^ui|--ui/, reason: 'serves the built page; page/page.test.ts runs it' },
  { pattern: /--coverage/, reason: 'needs a compiler; cli/run/coverage.test.ts runs it' },
  { pattern: /^test testing/, reason: 'testing/testing.test.ts runs the examples' },
  { pattern: /orders\.ts/, reason: 'test/library-doc.test.ts runs it' },
  { pattern: /greeter/, reason: 'test/machine-code/document.test.ts builds and runs it' },
  { pattern: /^bench/, reason: 'takes long; bench/ has smoke tests' },
  { pattern: /^new/, reason: 'writes into the project; cli/new/new.test.ts runs it' },
];

/** Lines indented by four spaces that begin with `npx sddf`, without their comment. */
function commandsOf(page: string): string[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^ {4}npx sddf (.*)$/gm)].map((match) =>
    (match[1] as string).replace(/\s+(?:#.*|&)$/, '').trim(),
  );
}

function isEndless(command: string): boolean {
  if (!command.startsWith('run ')) return false;
  return !/--for\b/.test(command) && !/--net pcap/.test(command);
}

/** A campaign with its first seed, a second with its first tenth: `.ci/run` has the long ones. */
function shortened(command: string): string {
  return command
    .replace(/--seeds (\d+)\.\.\d+/, '--seeds $1..$1')
    .replace('--for 1s', '--for 100ms');
}

/** An Ethernet broadcast of 60 bytes in a pcap file. */
function capture(): Uint8Array {
  const bytes = new Uint8Array(24 + 16 + 60);
  const view = new DataView(bytes.buffer);
  const header = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 1, 0, 0, 60, 60];
  header.forEach((word, index) => view.setUint32(4 * index, word, true));
  bytes.fill(0xff, 40, 46);
  return bytes;
}

const folder = mkdtempSync(join(tmpdir(), 'sddf-docs-'));
writeFileSync(join(folder, 'in.pcap'), capture());
writeFileSync(join(folder, 'script.txt'), 'help\n');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cases = PAGES.flatMap((page) => commandsOf(page).map((command) => ({ page, command })));

describe('the commands in the documents', () => {
  it('are found', () => {
    expect(cases.length).toBeGreaterThan(8);
  });

  it.for(cases)('$page: $command', async ({ command }, { skip }) => {
    const known = SKIPPED.find(({ pattern }) => pattern.test(command));
    skip(known !== undefined, known?.reason);

    const args = [
      ...shortened(command).split(/\s+/),
      ...(isEndless(command) ? ['--for', '200ms'] : []),
    ];
    const { status, stdout, stderr } = await sddfInFolder(folder, ...args);

    expect(status, stderr).toBe(0);
    expect(`${stdout}${stderr}`).not.toMatch(/^\s+at /m);
  });
});
