/**
 * The section of the restart protocol, `programs/sddf/restart/config.h`: this project's own. Images
 * without it do not speak the protocol.
 */

import { counted, field, record, u8 } from '../../../memory/c-layout.ts';
import { region, SLOTS } from '../../../queues/classes.ts';
import { type ConfigSection, configSection } from './section.ts';

const CHANNEL_MAX = 63;

const neighbour = record(2, { channel: field(0, u8), child: field(1, u8) });

const member = configSection({
  name: '.restart_config',
  isOptional: true,
  layout: record(168, {
    epochs: field(0, region),
    answers: field(16, region),
    neighbours: counted(32, { slots: SLOTS, of: neighbour, countAt: 160, count: 'u8' }),
    supervisor: field(161, u8),
    self: field(162, u8),
  }),
  from: (source) => {
    if (!source.has('restart')) return undefined;
    const restart = source.at('restart');
    return {
      epochs: restart.at('epochs').region(),
      answers: restart.at('answers').region(),
      neighbours: restart
        .at('neighbours')
        .items(SLOTS)
        .map((each) => ({
          channel: each.at('channel').number(CHANNEL_MAX),
          child: each.at('child').number(CHANNEL_MAX),
        })),
      supervisor: restart.at('supervisor').number(CHANNEL_MAX),
      self: restart.at('self').number(CHANNEL_MAX),
    };
  },
});

export const RESTART_SECTIONS: readonly ConfigSection[] = [member];
