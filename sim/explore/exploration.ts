/** How the orders of a world are chosen, as data, and the explorer that does it. */

import { Random } from '../../board/random.ts';
import { boundedStrategy } from './bounded.ts';
import { type Decision, Explorer, type ExplorerEars } from './explorer.ts';
import { continueStrategy, pctStrategy, randomStrategy, replayStrategy } from './strategies.ts';

/** How a world's orders are chosen: plain data. */
export type Exploration =
  | { readonly kind: 'random' }
  | { readonly kind: 'pct'; readonly depth: number; readonly points: number }
  | { readonly kind: 'replay'; readonly decisions: readonly Decision[] }
  /**
   * Time passes at these points of these domains (all, when none is named), counted among
   * themselves.
   */
  | {
      readonly kind: 'bounded';
      readonly taken: readonly number[];
      readonly domains: readonly string[];
    }
  /** As decided before up to a time, and at random from then on. */
  | {
      readonly kind: 'continue';
      readonly decisions: readonly Decision[];
      readonly fromNs: number;
      readonly seed: number;
    };

/** @param seed of the world */
export function makeExplorer(explore: Exploration, seed: number, ears: ExplorerEars): Explorer {
  const random = new Random(seed).fork('orders');
  switch (explore.kind) {
    case 'random':
      return new Explorer(randomStrategy(random), ears);
    case 'pct':
      return new Explorer(pctStrategy(random, explore.depth, explore.points), ears);
    case 'replay':
      return new Explorer(replayStrategy(explore.decisions), ears);
    case 'bounded':
      return new Explorer(boundedStrategy(explore.taken, explore.domains), ears);
    case 'continue':
      return new Explorer(continueStrategy(explore, new Random(explore.seed).fork('orders')), ears);
    default:
      return explore satisfies never;
  }
}
