/**
 * Configuration section of the timer class: sDDF 0.7, `timer/config.h`. Its driver has only its
 * device's resources.
 */

import { field, record, u8 } from './layout.ts';
import { type ConfigSection, configSection } from './section.ts';

const TIMER = 6;

const client = configSection({
  name: '.timer_client_config',
  magic: TIMER,
  layout: record(6, { driverId: field(5, u8) }),
  from: (source) => {
    const timer = source.at('timer');
    if (!timer.has('channel')) return undefined;
    return { driverId: timer.at('channel').number(0xff) };
  },
});

export const TIMER_SECTIONS: readonly ConfigSection[] = [client];
