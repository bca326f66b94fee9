/**
 * Pages of tested worlds: of `sddf replay --ui`, and the failures of `sddf sim --ui`. Each page has
 * an engine of its own in this process, and looks at worlds as at those of its worker.
 */

import { sleep } from '../../host/event-loop.ts';
import { PageServer } from '../../host/page/page-server.ts';
import type { FoundSystem } from '../../page/engine/found-system.ts';
import type { Scenario } from '../../page/engine/scenario.ts';
import { scenarioOf } from '../../page/engine/tested-world.ts';
import type { CampaignSystem } from '../../sim/campaign/campaign.ts';
import type { Failure, Stopped } from '../../sim/failure/failure-file.ts';
import { pointsOf } from '../../sim/points/system-points.ts';
import { systems } from '../../systems/index.ts';
import { type CaughtInterrupts, catchInterrupts } from '../run/interrupt.ts';
import { sayWorldBegins } from '../world-limit.ts';
import type { Terminal } from '../terminal.ts';
import { answerText, HostedSession } from './hosted-session.ts';
import { pageFolder } from './page-folder.ts';

/** This process is no place for it. */
const REFUSED: Readonly<Record<Stopped, string>> = {
  endless: 'this world does not end; sddf replay runs it in a process that can be ended',
  died: 'the process of this world dies; sddf replay runs it in one of its own',
};
const LOOK_MS = 50;
const ALIVE_LOOKS = 200;

/** The world of a failure file, until somebody ends the command. @throws UserMistake */
export async function showFailure(
  failure: Failure,
  loaded: CampaignSystem,
  { port, terminal }: { readonly port: number; readonly terminal: Terminal },
): Promise<void> {
  const pages = await openPages({ loaded, port, first: failure, greet: () => [] });
  terminal.note(`sddf: the failure is shown at ${pages.url}; Ctrl-C ends it`);
  await isEnded(catchInterrupts());
  await pages.close('the replay is over');
}

export interface Opened {
  readonly loaded: CampaignSystem;
  readonly port: number;
  /** What each page shows at first. */
  readonly first: Failure | undefined;
  readonly greet: () => readonly string[];
  readonly open?: (seed: number) => Failure | undefined;
}

/** Each page has an engine of its own. @throws UserMistake */
export function openPages({ loaded, port, first, greet, open }: Opened): Promise<PageServer> {
  const points = pointsOf(loaded.target.system);
  const scenario = first === undefined ? undefined : scenarioOf(first);
  return PageServer.listen({
    folder: pageFolder(),
    port,
    greet,
    missed: (frames) => answerText({ kind: 'dropped', frames }),
    converse: (page) =>
      new HostedSession({
        ...{ page, points, scenario },
        find: (wanted) => Promise.resolve(foundOf(loaded, wanted, first)),
        open: (seed) => {
          const failure = open?.(seed);
          if (failure === undefined) return undefined;
          const { stopped } = failure;
          return stopped === undefined ? scenarioOf(failure) : REFUSED[stopped];
        },
      }),
  });
}

function foundOf(
  { target, reference }: CampaignSystem,
  scenario: Scenario,
  first: Failure | undefined,
): FoundSystem {
  const ready = systems.find(({ name }) => name === reference.reference);
  return {
    summary: ready?.summary ?? target.system.name,
    systems: [],
    options: [],
    isReadyMade: ready !== undefined,
    target,
    ...(first === undefined || scenario.seed !== first.world.seed
      ? {}
      : { outcome: first.outcome }),
  };
}

/** Until somebody ends the command. */
export async function isEnded(interrupt: CaughtInterrupts): Promise<void> {
  for (let looks = 0; !interrupt.requested; looks += 1) {
    // A page may look at a world for as long as it likes; one that does not end is still ended.
    if (looks % ALIVE_LOOKS === 0) sayWorldBegins();
    await sleep(LOOK_MS);
  }
}
