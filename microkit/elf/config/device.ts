/**
 * The section that every driver has: its device's registers, the memory that it shares with the
 * device, and its interrupts. sDDF 0.7, `resources/device.h`.
 */

import { counted, record, u8 } from '../../../memory/c-layout.ts';
import { deviceRegion, SLOTS } from '../../../queues/classes.ts';
import { type ConfigSection, configSection } from './section.ts';
import type { Source } from './source.ts';

const DEVICE = 1;

const resources = configSection({
  name: '.device_resources',
  magic: DEVICE,
  layout: record(1608, {
    regions: counted(8, { slots: SLOTS, of: deviceRegion, countAt: 5, count: 'u8' }),
    irqs: counted(1544, { slots: SLOTS, of: u8, countAt: 6, count: 'u8' }),
  }),
  from: (source) => {
    if (!source.has('registers', 'irq')) return undefined;
    const names = [source.at('registers'), source.at('rings'), ...furtherRegions(source)];
    return {
      regions: names.filter((name) => name.isThere).map((name) => name.deviceRegion()),
      irqs: [source.at('irq'), ...furtherIrqs(source)].map((irq) => irq.number(0xff)),
    };
  },
});

/**
 * Memory that upstream's driver for the device has beside its rings, in the order of its
 * `config.json`.
 */
function furtherRegions(source: Source): readonly Source[] {
  return source.has('deviceRegions') ? source.at('deviceRegions').items(SLOTS - 2) : [];
}

/** Of a device with several lines, in the order of `config.json`. */
function furtherIrqs(source: Source): readonly Source[] {
  return source.has('moreIrqs') ? source.at('moreIrqs').items(SLOTS - 1) : [];
}

export const DEVICE_SECTIONS: readonly ConfigSection[] = [resources];
