// `npm run check`: types, lint and format, one after the other; the import table and the style
// rules that no linter knows are tests (test/imports.test.ts, test/style.test.ts). Ends with 1 when
// any of them complains.

import { spawnSync } from 'node:child_process';

// What the last check knew of the types, so that the next one looks at what has changed since.
const known = (name) => ['--incremental', '--tsBuildInfoFile', `.artefacts/types-${name}.json`];
const steps = [
  ['types, everything', 'typescript/bin/tsc', ['-p', 'tsconfig.json', ...known('all')]],
  [
    'types, rooms without the host',
    'typescript/bin/tsc',
    ['-p', 'tsconfig.core.json', ...known('core')],
  ],
  ['types, the page', 'typescript/bin/tsc', ['-p', 'tsconfig.page.json', ...known('page')]],
  ['lint', '.bin/oxlint', ['--type-aware', '--deny-warnings', '.']],
  ['format', '.bin/oxfmt', ['--check', '.']],
];

let failures = 0;
for (const [name, command, args] of steps) {
  const startedAt = Date.now();
  const result = spawnSync(process.execPath, [`node_modules/${command}`, ...args], {
    encoding: 'utf8',
  });
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  if (result.status === 0) {
    console.log(`check: ${name}: ok (${seconds} s)`);
  } else {
    failures += 1;
    console.log(`check: ${name}: FAILED (${command} ${args.join(' ')})`);
    process.stdout.write(`${result.stdout}${result.stderr}`);
  }
}
process.exit(failures === 0 ? 0 : 1);
