/**
 * Configuration section of the timer class: sDDF 0.7, `timer/config.h`. Its driver has only its
 * device's resources.
 */

import { TIMER_SECTIONS } from '../../../queues/classes.ts';
import { type ConfigSection, configSection } from './section.ts';

const client = configSection({
  ...TIMER_SECTIONS.client,
  from: (source) => {
    const timer = source.at('timer');
    if (!timer.has('channel')) return undefined;
    return { driverId: timer.at('channel').number(0xff) };
  },
});

export const TIMER_CONFIG: readonly ConfigSection[] = [client];
