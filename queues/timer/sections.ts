/** Configuration sections of the timer class, as sDDF 0.7 has them: see `../sections.ts`. */

import { field, record, u8 } from '../../memory/c-layout.ts';

const TIMER = 6;

/** By role: the section that a program in it reads, its number and its structure. */
export const TIMER_SECTIONS = {
  client: {
    name: '.timer_client_config',
    magic: TIMER,
    layout: record(6, { driverId: field(5, u8) }),
  },
} as const;
