/** What leaves a run that a debugger takes back to an earlier moment. */

import { RunFailure } from '../memory/assert.ts';

/** The run is left, to be begun again. */
export class Rewound extends RunFailure {
  override readonly name = 'Rewound';
}
