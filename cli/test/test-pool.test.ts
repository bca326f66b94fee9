/**
 * Goal: a test whose process dies has failed, and the others are run. Method: a program that kills
 * its process, in files for the real command.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { longTest } from '../../test/support/long-test.ts';
import { sddfCommand } from '../../test/support/sddf-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-mortal-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(
  join(folder, 'mortal.ts'),
  `import { spawnSync } from 'node:child_process';
export const main = () => { spawnSync('kill', ['-9', String(process.pid)]); return {}; };
`,
);
writeFileSync(
  join(folder, 'mortal.system'),
  `<system><protection_domain name="mortal" priority="1"><program_image path="mortal.ts"/></protection_domain></system>`,
);
const SOUND = 'steps: [{expect log: {from: hello, text: hello}}]';
writeFileSync(
  join(folder, 'a.yaml'),
  `system: hello\ntests:\n  - {name: one, ${SOUND}}\n  - {name: two, ${SOUND}}\n`,
);
writeFileSync(
  join(folder, 'b.yaml'),
  'system: mortal.system\ntests:\n  - {name: dies, steps: [{wait: 1ms}]}\n',
);

longTest('a test whose process dies twice has failed, and all others are run', () => {
  const args = [sddfCommand(), 'test', 'b.yaml', 'a.yaml', '--jobs', '2'];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(stdout).toContain('its process dies: SIGKILL');
  expect(stdout).toContain('2 passed, 1 failed');
  expect(stderr).toBe('sddf: a worker process died, and its test is run again: SIGKILL\n');
  expect(status).toBe(1);
});
