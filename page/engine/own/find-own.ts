/** Where the page's engine has its systems from: ready-made ones, and those of somebody's files. */

import { completeChoices } from '../../../systems/system.ts';
import { type FindSystem, hooksOf, readyMade, shownOptions, SYSTEMS } from '../found-system.ts';
import type { OwnOptions, SystemParts } from './own-system.ts';

/** @throws Error with what is wrong, a line each */
export function ownOrReady(options: Pick<OwnOptions, 'begins' | 'store'>): FindSystem {
  return async (scenario, binaries = {}) => {
    const { own, choices } = scenario;
    if (own === undefined) return readyMade(scenario);
    // Types are stripped by a parser that nobody else needs.
    const { OwnSystemMaker } = await import('./own-system.ts');
    const maker = new OwnSystemMaker({ ...options, own, choices, binaries });
    let parts: SystemParts;
    try {
      parts = await maker.make();
    } catch (error) {
      maker.close();
      throw error;
    }
    return {
      summary: `${own.main}, a system of your own`,
      systems: SYSTEMS,
      options: shownOptions(parts.module, completeChoices(parts.module, choices)),
      target: targetOf(parts),
      isReadyMade: true,
      renew: async () => targetOf(await maker.make()),
      close: () => maker.close(),
    };
  };
}

function targetOf({ module, system, programs, images }: SystemParts) {
  return { system, programs, images, ...hooksOf(module) };
}
