/**
 * The program of a worker process: loads a system once, then runs the worlds of the seeds that it
 * is sent.
 */

import { packSources, type PackedSources } from '../../debug/coverage/source-coverage.ts';
import { runSeed, stoppedSeed } from '../../sim/campaign/campaign.ts';
import { UserMistake } from '../../host/problem.ts';
import { problemOf } from '../blame.ts';
import { forbidEndingToPrograms } from '../own-process.ts';
import { requestOfParent } from '../../host/watch/worker-process.ts';
import { FeatureCollector } from '../coverage/feature-collector.ts';
import { CoverageCollector } from '../coverage/collector.ts';
import { differingPart } from '../../sim/failure/failure-file.ts';
import { type CampaignRequest, specOf } from './request.ts';
import type { CoverageExtent } from '../coverage/report.ts';
import { loadTarget } from './target.ts';
import { TELL_EXECUTED, type WorkerAnswer, type WorkerOrder } from './world-process.ts';

/** When we end is for the campaign to say, also of those signals that a terminal sends to all. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

async function main(): Promise<void> {
  for (const signal of SIGNALS) process.on(signal, () => undefined);
  forbidEndingToPrograms();
  const request = requestOfParent<CampaignRequest>();
  const { coverage = 'none' } = request;
  // Programs are loaded behind this.
  const collector = coverage === 'none' ? undefined : new CoverageCollector(complain);
  const guide = request.isGuided === true ? new FeatureCollector(complain) : undefined;
  const loaded = await loadTarget(request.system);
  collector?.expect(loaded.target.images);
  guide?.loaded(loaded.target.images);
  const watch =
    guide?.watch ?? (collector && { coverage: collector.notes, over: collector.testbedEnds });
  const target = { ...loaded, watch };
  const part = differingPart(request.digests ?? target.digests, target.digests);
  if (part !== undefined) {
    throw new UserMistake(
      `${request.system.reference}: is another version here: the ${part} differs`,
    );
  }
  const spec = specOf(request, target.target);
  const taken = (when: CoverageExtent): Promise<PackedSources | undefined> =>
    takeExecuted(coverage === when ? collector : undefined);
  const obey = async ({ seeds, recipes, stopped }: WorkerOrder): Promise<void> => {
    if (stopped !== undefined) {
      const report = stoppedSeed(target, spec, stopped, recipes?.[stopped.seed]);
      say({ kind: 'report', report });
    }
    for (const seed of seeds) {
      const report = runSeed(target, spec, seed, recipes?.[seed]);
      const features = guide?.take();
      say({ kind: 'report', report, features, executed: await taken('each') });
    }
    say({ kind: 'batch done' });
  };
  process.on('message', (order: WorkerOrder | typeof TELL_EXECUTED) => {
    const done =
      order === TELL_EXECUTED
        ? taken('together').then((executed) => say({ kind: 'executed', executed }))
        : obey(order);
    done.catch(fail);
  });
  say({ kind: 'ready', executed: await taken('each') });
}

async function takeExecuted(
  collector: CoverageCollector | undefined,
): Promise<PackedSources | undefined> {
  return collector && packSources(await collector.take());
}

/** What the process says when it dies is shown. */
function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}

function say(answer: WorkerAnswer): void {
  process.send?.(answer);
}

function fail(error: unknown): void {
  say(problemOf(error));
}

main().catch(fail);
