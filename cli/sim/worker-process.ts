/**
 * The program of a worker process: loads a system once, then runs the worlds of the seeds that it
 * is sent.
 */

import { endlessSeed, runSeed } from '../../sim/campaign/campaign.ts';
import { differingPart } from '../../sim/failure/failure-file.ts';
import { type CampaignRequest, specOf } from './request.ts';
import { loadTarget } from './target.ts';
import type { WorkerAnswer, WorkerOrder } from './world-process.ts';

async function main(): Promise<void> {
  const request = JSON.parse(process.argv[2] ?? '{}') as CampaignRequest;
  // The terminal sends Ctrl-C to us too; when we end is for the campaign to say.
  process.on('SIGINT', () => undefined);
  const target = await loadTarget(request.system);
  const part = differingPart(request.digests ?? target.digests, target.digests);
  if (part !== undefined) {
    throw new Error(`${request.system.reference}: is another version here: the ${part} differs`);
  }
  const spec = specOf(request, target.target);
  process.on('message', ({ seeds, endless }: WorkerOrder) => {
    if (endless !== undefined) {
      const { seed, hostSeconds } = endless;
      say({ kind: 'report', report: endlessSeed(target, spec, seed, hostSeconds) });
    }
    for (const seed of seeds) say({ kind: 'report', report: runSeed(target, spec, seed) });
    say({ kind: 'batch done' });
  });
  say({ kind: 'ready' });
}

function say(answer: WorkerAnswer): void {
  process.send?.(answer);
}

main().catch((error: unknown) => {
  say({ kind: 'failed', problem: error instanceof Error ? error.message : String(error) });
});
