// Goal: a command waits for the code that it needs and no other. Method: Node tells which modules a
// run loads; none of them is of an option that was not given, or of an engine for images when there
// are none. A static import at the wrong place brings dozens. Looked at are the modules, and not
// the few files that they are put together in for a short command (scripts/bundle-start.mjs).

import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { compiledModule } from '../test/support/sddf-command.ts';

/** Rooms and files that a run without images, debugger or plan has no use for. */
const NOT_NEEDED = [
  /^riscv\//,
  /^debug\/(?!rewound\.js$)/,
  /^sim\//,
  /^testing\//,
  /^bench\//,
  /^microkit\/(?:elf\/(?!format\.js$)|capabilities-dump\/)/,
  /^clients\/fat\//,
  /^host\/(?:disk|nbd|serial|debug-line)\//,
  /^host\/net\/(?:slirp|tap|vde|passt|pcap)/,
];

function modulesOf(args: readonly string[]): readonly string[] {
  const { stderr, status } = spawnSync(process.execPath, [compiledModule('cli/main.ts'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, NODE_DEBUG: 'esm' },
    maxBuffer: 2 ** 28,
  });
  expect(status).toBe(0);
  const found = stderr.matchAll(/file:\/\/\/[^\s'",]*?\/dist\/([^\s'",?]*\.js)/g);
  return [...new Set(Array.from(found, ([, path]) => path as string))];
}

describe('a run of the echo system', () => {
  it('loads nothing that its options do not ask for', () => {
    const modules = modulesOf(['run', 'echo', '--for', '1ms']);

    expect(modules).toContain('systems/testbed.js');
    const unneeded = modules.filter((path) => NOT_NEEDED.some((pattern) => pattern.test(path)));
    expect(unneeded).toEqual([]);
  });
});
