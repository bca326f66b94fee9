/**
 * `npm run fuzz -- --minutes N [--target NAME] [--seed S]`: all targets in turn, until the time is
 * over.
 */

import { parseArgs } from 'node:util';
import { hostNow } from '../../../host/host-time.ts';
import { runInputs } from './run.ts';
import { FUZZ_TARGETS } from './targets.ts';

const BATCH = 500;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    target: { type: 'string' },
    seed: { type: 'string', default: String(Math.trunc(Math.random() * 1e9)) },
  },
});
const targets = FUZZ_TARGETS.filter(({ name }) => (values.target ?? name) === name);
if (targets.length === 0) {
  process.stderr.write(
    `fuzz: no target ${values.target}: ${FUZZ_TARGETS.map(({ name }) => name).join(', ')}\n`,
  );
  process.exit(2);
}
const endNs = hostNow() + Number(values.minutes) * 60e9;
let seed = Number(values.seed);
let inputs = 0;
process.stdout.write(`fuzz: seeds from ${seed}, ${targets.length} targets\n`);
while (hostNow() < endNs) {
  for (const target of targets) await runInputs(target, seed, BATCH);
  seed += BATCH;
  inputs += BATCH * targets.length;
}
process.stdout.write(`fuzz: ${inputs} inputs, none did what it may not\n`);
