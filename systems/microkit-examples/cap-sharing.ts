/** Microkit's example "cap sharing": a domain that holds the TCB of another. */

import {
  main as primary,
  SLOT_OWN_SC,
  SLOT_OWN_TCB,
  SLOT_SECONDARY_SC,
  SLOT_SECONDARY_TCB,
} from '../../clients/microkit-examples/cap-primary.ts';
import { main as secondary } from '../../clients/microkit-examples/cap-secondary.ts';
import { type BuildResult, system } from '../../microkit/builder.ts';
import type { SystemModule } from '../system.ts';

const PROGRAMS = 'clients/microkit-examples';

function build(): BuildResult {
  const sys = system({ name: 'cap_sharing' });
  const holder = sys.pd('primary', {
    program: primary,
    image: `${PROGRAMS}/cap-primary.ts`,
    priority: 1,
  });
  const held = sys.pd('secondary', {
    program: secondary,
    image: `${PROGRAMS}/cap-secondary.ts`,
    priority: 2,
  });
  holder.cap('sc', SLOT_SECONDARY_SC, held);
  holder.cap('tcb', SLOT_SECONDARY_TCB, held);
  holder.cap('sc', SLOT_OWN_SC, holder);
  holder.cap('tcb', SLOT_OWN_TCB, holder);
  sys.channel(holder, held, { a: { id: 0 }, b: { id: 0 } });
  return sys.build();
}

export const capSharing: SystemModule = {
  summary: 'a domain that suspends and resumes another by a capability in its CSpace',
  build,
};
