/** Opens a failure file, and loads the system that it is about. */

import { readBounded } from '../../host/bounded-file.ts';
import { UserMistake } from '../../host/problem.ts';
import type { CampaignSystem } from '../../sim/campaign/campaign.ts';
import {
  differingPart,
  FAILURE_BYTES_MAX,
  type Failure,
  readFailure,
  readSystemReference,
} from '../../sim/failure/failure-file.ts';
import type { Terminal } from '../terminal.ts';
import { checkPlan } from './plan-file.ts';
import { loadTarget } from './target.ts';

export interface OpenedFailure {
  readonly failure: Failure;
  readonly loaded: CampaignSystem;
}

/**
 * Opens one that is to be run many times, and changed.
 *
 * @throws UserMistake also for a world that has not come to its end: nothing is known to compare
 */
export async function openEndedFailure(path: string, terminal: Terminal): Promise<OpenedFailure> {
  const opened = await openFailure(path, terminal);
  const { stopped } = opened.failure;
  if (stopped === undefined) return opened;
  const how = stopped === 'endless' ? 'this world does not end' : 'the process of this world dies';
  throw new UserMistake(
    `${path}: ${how}, so nobody can say what else it does; sddf replay runs it`,
  );
}

/** @throws UserMistake */
export async function openFailure(path: string, terminal: Terminal): Promise<OpenedFailure> {
  const source = { name: path, text: readText(path) };
  const reference = readSystemReference(source);
  if (typeof reference === 'string') throw new UserMistake(reference);
  const loaded = await loadTarget(reference);
  const read = readFailure(source, (plan) => checkPlan(plan, loaded.target.system));
  if (!read.ok) throw new UserMistake(read.problem);
  const part = differingPart(read.failure.digests, loaded.digests);
  if (part !== undefined) {
    terminal.note(`sddf: ${path} was made with another version: the ${part} differs`);
  }
  return { failure: read.failure, loaded };
}

function readText(path: string): string {
  const read = readBounded(path, FAILURE_BYTES_MAX);
  if (read.kind === 'bytes') return new TextDecoder().decode(read.bytes);
  throw new UserMistake(`${path}: is larger than any failure file`);
}
