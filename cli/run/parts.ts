/** The parts that options bring to a run, in the order of their help. */

import { capabilitiesPart } from './capabilities.ts';
import { coveragePart } from './coverage.ts';
import { faultsPart } from './faults.ts';
import { gdbPart } from './gdb.ts';
import { inspectPart } from './inspect.ts';
import { logFilesPart } from './log-files.ts';
import type { RunPart } from './part.ts';
import { profilePart } from './profile.ts';
import { uiPart } from '../ui/part.ts';

export const runParts: readonly RunPart[] = [
  faultsPart,
  capabilitiesPart,
  logFilesPart,
  profilePart,
  coveragePart,
  gdbPart,
  inspectPart,
  uiPart,
];
