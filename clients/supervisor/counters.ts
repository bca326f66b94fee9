/** What the supervisor counts. */

import { counterNames } from '../../queues/counters.ts';

export const SUPERVISOR_COUNTERS = counterNames(
  /** Faults of children. */
  'deaths',
  /** Children that were started again, also those that were stopped because of another's death. */
  'restarts',
  /** Children that were stopped because of another's death. */
  'takenAlong',
  'givenUp',
  /** Children that were started although a neighbour had not let go in time. */
  'unanswered',
  /** Children that said they had been started when they had not. */
  'pretended',
  /** Children that did not answer any more; among `deaths`. */
  'hangs',
);
